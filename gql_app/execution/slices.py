"""Completes long lists in slices, so that one answer does not hold up all others."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from graphql.pyutils import gather_with_cancel

TURN = 0.002
"""Seconds after which others have their turns, for as long. What they read from the database takes
several turns of the loop and of threads: with one turn after each slice, a page took 100 ms."""
TOGETHER = 50
"""Items that wait at once: what they wait for is loaded for all of them together."""


async def in_slices(items: list[Any], complete: Callable[[int, Any, list[Any]], bool]) -> list[Any]:
    """The completed items of a list. `complete` adds an item to a list, and says whether it has to
    be awaited. Raises what it raises."""
    completed: list[Any] = []
    waiting: list[int] = []
    turn_ends = monotonic() + TURN
    try:
        for index, item in enumerate(items):
            if complete(index, item, completed):
                waiting.append(index)
            if len(waiting) == TOGETHER:
                await _all(completed, waiting)
            elif monotonic() > turn_ends:
                await asyncio.sleep(TURN)
                turn_ends = monotonic() + TURN
        await _all(completed, waiting)
    except BaseException:
        for index in waiting:
            completed[index].close()  # it was not begun
        raise
    return completed


async def _all(completed: list[Any], waiting: list[int]) -> None:
    """Await those in `waiting`, and put what comes of them in their places."""
    indexes, waiting[:] = tuple(waiting), ()
    found = await gather_with_cancel(*(completed[index] for index in indexes))
    for index, value in zip(indexes, found, strict=True):
        completed[index] = value

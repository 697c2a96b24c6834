"""Long lists are completed in slices, and others take turns between."""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from gql_app.execution.runs import SLICE, Run, begun
from gql_app.execution.slices import TOGETHER, TURN, in_slices


async def turns_while(work: Any) -> tuple[Any, int]:
    """What comes of some work, and how many turns others had meanwhile."""
    done, turns = asyncio.create_task(work), 0
    while not done.done():
        await asyncio.sleep(0)
        turns += 1
    return await done, turns


async def test_the_rest_of_a_long_list_is_completed_a_slice_a_turn() -> None:
    run = Run(None)  # type: ignore[arg-type]  # nothing of it is asked for
    at_once: list[int] = []

    def complete_all(rows: list[int], _: Run) -> list[int]:
        at_once.append(len(rows))
        return [-row for row in rows]

    rows = list(range(5 * SLICE + 7))
    answers = begun(complete_all, rows, run)
    assert len(answers) == SLICE
    assert not run.is_complete
    _, turns = await turns_while(run.fill())
    assert answers == [-row for row in rows]
    assert at_once == [SLICE] * 5 + [7]
    assert turns > 5
    assert run.is_complete


async def test_a_short_list_is_completed_at_once() -> None:
    run = Run(None)  # type: ignore[arg-type]
    assert begun(lambda rows, _: list(rows), [1, 2], run) == [1, 2]
    assert run.is_complete


def adding(seconds: float) -> Callable[[int, Any, list[Any]], bool]:
    def add(index: int, item: Any, into: list[Any]) -> bool:
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            pass
        into.append(item)
        return False

    return add


async def test_slices_end_when_their_time_is_up() -> None:
    found, turns = await turns_while(in_slices(list(range(20)), adding(TURN / 3)))
    assert found == list(range(20))
    assert turns >= 5


async def test_others_have_as_long_as_a_slice_takes() -> None:
    completed: list[float] = []
    add = adding(TURN / 3)

    def noting(index: int, item: Any, into: list[Any]) -> bool:
        awaits = add(index, item, into)
        completed.append(time.monotonic())
        return awaits

    await in_slices(list(range(20)), noting)
    assert len([1 for before, after in pairwise(completed) if after - before > TURN]) >= 5


async def test_items_are_awaited_some_at_a_time_in_their_places() -> None:
    waiting, most = 0, 0

    async def double(item: int) -> int:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0)
        waiting -= 1
        return 2 * item

    def add(index: int, item: int, into: list[Any]) -> bool:
        into.append(double(item) if item % 2 else item)
        return bool(item % 2)

    items = list(range(5 * TOGETHER))
    found = await in_slices(items, add)
    assert found == [2 * item if item % 2 else item for item in items]
    assert most == TOGETHER


async def test_what_was_not_begun_is_closed_when_an_item_fails() -> None:
    """Python would say of a coroutine that it was never awaited."""

    async def value() -> int:
        return 1

    def add(index: int, item: int, into: list[Any]) -> bool:
        if index == 3:
            raise ZeroDivisionError
        into.append(value())
        return True

    with pytest.raises(ZeroDivisionError):
        await in_slices([0] * 9, add)

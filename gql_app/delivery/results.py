"""Results of an operation, encoded once for all who are told them."""

from collections.abc import AsyncGenerator, Callable
from datetime import date
from typing import NamedTuple

from models.chain import Position


class Result(NamedTuple):
    """A result, encoded. In a stream of events `position` is the event that it is true at; `day` is
    the day that it depends on, if it does, and `of_the_clock` says that the clock brought it and
    not an event. With `more`, others follow at once. The stream has ended with a result that is
    `last`."""

    position: Position | None
    payload: str
    day: date | None = None
    of_the_clock: bool = False
    more: bool = False
    last: bool = False


class ResultBatch:
    """Results that came together. `made` is for what members make of them that is the same for
    others, under whatever it depends on."""

    __slots__ = ("made", "results")

    def __init__(self, results: list[Result]) -> None:
        self.results = results
        self.made: dict[str, bytes] = {}


class CaughtUp(NamedTuple):
    """The place at which a member had heard all up to the event at `position`, on `day`."""

    place: int
    position: Position
    day: date | None


Stream = AsyncGenerator[Result, None]
Hear = Callable[[ResultBatch], bool]
"""Takes a whole batch, or none of it and says False."""

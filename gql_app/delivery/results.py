"""Results of an operation, encoded once for all who are sent them."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple, TypeAlias

import orjson

from gql_app.execution.limits import at_most
from gql_app.schema.items import AsOf
from models.chain import Position

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of one answer, or of one result in a stream."""


class Result(NamedTuple):
    """An encoded result. In a stream of events it is true at the event at `position`, and `as_of` a
    day and settings if it depends on them; `of_the_clock` says that no event brought it. With
    `more`, other results follow at once. With `last`, the payload is a list of errors, and the
    stream has ended. In a stream `patients` are those whose data it shows."""

    position: Position | None
    payload: str
    as_of: AsOf | None = None
    of_the_clock: bool = False
    more: bool = False
    last: bool = False
    patients: tuple[int, ...] = ()


class ResultBatch:
    """Results that came together. `encoded` is for what a listener makes of them that others can
    use as well, under what it depends on."""

    __slots__ = ("encoded", "results")

    def __init__(self, results: list[Result]) -> None:
        self.results = results
        self.encoded: dict[str, bytes] = {}


class Stop(NamedTuple):
    """Where a listener stopped: before `place`, told all up to `position`, `as_of` then."""

    place: int
    position: Position
    as_of: AsOf | None


Results: TypeAlias = AsyncGenerator[Result, None]

Listener: TypeAlias = Callable[[ResultBatch], bool]
"""Called with each batch. It takes all of it, or takes nothing and returns False."""


def failure(*errors: dict[str, Any]) -> Result:
    """The last result of a stream that cannot go on."""
    return Result(None, orjson.dumps(errors).decode(), last=True)


def encoded(payload: dict[str, Any]) -> bytes:
    """An answer or a result as it is sent. Raises `TooComplex`."""
    body = orjson.dumps(payload)
    at_most("bytes of answer", len(body), MAX_ANSWER)
    return body

"""The groups of this process: one for each stream that somebody follows, and its replays.

A group keeps its stream's latest results, encoded once: all members are sent the same bytes. A
member that is further behind than the group remembers follows a replay first: a group as well,
which tells of the past once for all who have missed it, and waits for its members.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

from gql_app.delivery.group import Group, NoteSent
from gql_app.delivery.results import Results
from gql_app.live.held import Held
from models.chain import Position

MakeStream: TypeAlias = Callable[[Position], Results]
"""Makes the stream that begins after the event at a position."""


class Groups:
    """The groups of this process. A group lives for as long as it has members. `note` records what
    they were sent."""

    def __init__(self, note: NoteSent) -> None:
        self._note = note
        self._groups: Held[Hashable, Group] = Held()
        self._replays: dict[Hashable, Held[int, Group]] = {}
        self._numbers = count()

    @property
    def executions(self) -> int:
        """How many streams are executed: one a group, and one a replay."""
        return len(self._groups) + sum(map(len, self._replays.values()))

    @property
    def members(self) -> int:
        """How many follow a group now."""
        return self._groups.holders

    @asynccontextmanager
    async def join(
        self,
        key: Hashable,
        here: Callable[[], Awaitable[Position]],
        stream: MakeStream,
    ) -> AsyncIterator[Group]:
        """The group of `key`. The first who joins makes it with `stream(await here())`; others who
        ask for the same wait meanwhile."""

        async def begin() -> Group:
            start = await here()
            return Group(start, stream(start), self._note)

        async with self._groups.hold(key, begin) as group:
            yield group

    def settle(self) -> None:
        """Record what was sent to all who listen. Members of replays do not: what they take is
        recorded at once."""
        for group in self._groups.values():
            group.settle()

    def replays(self, key: Hashable) -> Sequence[Group]:
        """The replays for the group of `key` that are under way."""
        replays = self._replays.get(key)
        if replays is None:
            return []
        return [replay for replay in replays.values() if not replay.has_ended]

    @asynccontextmanager
    async def replay(
        self, key: Hashable, position: Position, fits: Callable[[Group], bool], stream: MakeStream
    ) -> AsyncIterator[Group]:
        """A replay for the group of `key`: one under way that fits, or else a new one, made with
        `stream(position)`. Its members read with `chunk_at`."""

        async def begin() -> Group:
            return Group(position, stream(position), self._note, waits=True)

        replays = self._replays.setdefault(key, Held())
        numbers = (number for number, replay in replays.items() if fits(replay))
        number = next(numbers, None)
        try:
            async with replays.hold(
                next(self._numbers) if number is None else number, begin
            ) as replay:
                yield replay
        finally:
            if not replays and self._replays.get(key) is replays:
                del self._replays[key]

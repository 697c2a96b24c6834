"""The groups of this process: one for each stream that somebody follows, and its replays.

A group keeps its stream's latest results, encoded once: all members are sent the same bytes. A
member that is further behind than the group remembers follows a replay first: a group as well,
which tells of the past once for all who have missed it, and waits for its members.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias
from weakref import WeakValueDictionary

from gql_app.delivery.group import Group
from gql_app.delivery.results import Results
from models.chain import Position

MakeStream: TypeAlias = Callable[[Position], Results]
"""Makes the stream that begins after the event at a position."""


class Groups:
    """The groups of this process. A group lives for as long as it has members."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}
        self._replays: dict[Hashable, list[Group]] = {}
        self._opening: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @property
    def executions(self) -> int:
        """How many streams are executed: one a group, and one a replay."""
        return len(self._groups) + sum(map(len, self._replays.values()))

    @property
    def members(self) -> int:
        """How many follow a group now."""
        return sum(group.members for group in self._groups.values())

    @asynccontextmanager
    async def join(
        self,
        key: Hashable,
        here: Callable[[], Awaitable[Position]],
        stream: MakeStream,
    ) -> AsyncIterator[Group]:
        """The group of `key`. The first who joins makes it with `stream(await here())`; others who
        ask for the same wait meanwhile."""
        lock = self._opening.setdefault(key, asyncio.Lock())
        async with lock:
            group = self._groups.get(key)
            if group is None or group.has_ended:
                start = await here()
                group = self._groups[key] = Group(start, stream(start))
            group.members += 1
        try:
            yield group
        finally:
            group.members -= 1
            if not group.members:
                if self._groups.get(key) is group:
                    del self._groups[key]
                await group.close()

    def replays(self, key: Hashable) -> Sequence[Group]:
        """The replays for the group of `key` that are under way."""
        return [replay for replay in self._replays.get(key, ()) if not replay.has_ended]

    @asynccontextmanager
    async def replay(
        self, key: Hashable, position: Position, fits: Callable[[Group], bool], stream: MakeStream
    ) -> AsyncIterator[Group]:
        """A replay for the group of `key`: one under way that fits, or else a new one, made with
        `stream(position)`. Its members read with `chunk_at`."""
        replays = self._replays.setdefault(key, [])
        replay = next((replay for replay in replays if fits(replay)), None)
        if replay is None:
            replay = Group(position, stream(position), waits=True)
            replays.append(replay)
        replay.members += 1
        try:
            yield replay
        finally:
            replay.members -= 1
            if not replay.members:
                replays.remove(replay)
                if not replays and self._replays.get(key) is replays:
                    del self._replays[key]
                await replay.close()

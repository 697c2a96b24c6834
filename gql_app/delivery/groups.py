"""One execution for all who ask the same.

A group runs one stream and keeps its latest results, encoded once. Members hold no queue, only
their place, and take what comes next from the group: the same bytes for each of them. Those who are
abreast of it may listen instead, and are called with what comes. Those who are further behind than
the group remembers catch up first, together with all who are about as far behind: the past is told
by a group as well, which waits for its members.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from gql_app.delivery.group import Group
from gql_app.delivery.results import Stream
from models.chain import Position

MakeStream = Callable[[Position], Stream]


class Groups:
    """The groups of this process: each lives for as long as it has members."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}
        self._replays: dict[Hashable, list[Group]] = {}
        self._opening: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @property
    def executions(self) -> int:
        """How many streams run for the members: one a group, those that tell of the past too."""
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
        """The group of `key`; made with `stream(await here())` by the first who joins, for whom
        those who ask for the same wait."""
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
        """Those that tell of the past of the group of `key` now."""
        return [group for group in self._replays.get(key, ()) if not group.has_ended]

    @asynccontextmanager
    async def replay(
        self, key: Hashable, position: Position, fits: Callable[[Group], bool], stream: MakeStream
    ) -> AsyncIterator[Group]:
        """A group that tells of the past of the group of `key`, from `position` on: one that is at
        it already and fits, or one that is made with `stream(position)`. Its members read by
        `chunk_at`."""
        replays = self._replays.setdefault(key, [])
        group = next((group for group in replays if fits(group)), None)
        if group is None:
            group = Group(position, stream(position), waits=True)
            replays.append(group)
        group.members += 1
        try:
            yield group
        finally:
            group.members -= 1
            if not group.members:
                replays.remove(group)
                if not replays and self._replays.get(key) is replays:
                    del self._replays[key]
                await group.close()

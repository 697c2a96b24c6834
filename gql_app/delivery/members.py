"""A member's way through groups: of the past until it has caught up, then of what comes.

A member that catches up, or has just joined, reads by itself. Once it is abreast of the group it
listens, and is called with what comes. One that falls behind what a group remembers catches up
again.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date

from gql_app.delivery.group import Group
from gql_app.delivery.results import Hear, Result
from models.chain import Position

Results = AsyncGenerator[Result, None]


@dataclass(eq=False)
class Member:
    """How far a member has come: all up to `position`, as it is on `day`; and its place in the
    group, once it has joined at event `joined`."""

    position: Position
    day: date | None = None
    joined: int = 0
    in_group: int | None = None

    def join(self, group: Group) -> bool:
        self.in_group = group.place_after(self.position, self.day)
        self.joined = self.position.seq
        return self.in_group is not None

    def fits(self, group: Group) -> bool:
        return group.place_after(self.position, self.day) is not None

    def begin(self) -> None:
        """Go on from the beginning of a group that begins at `position`."""
        self.in_group, self.joined = 0, self.position.seq - 1

    def takes(self, results: list[Result]) -> bool:
        """Whether all of the results are new to the member, and none is the end."""
        return not results[-1].last and all(
            r.position is not None and r.position.seq > self.joined for r in results
        )

    def move(self, results: list[Result]) -> None:
        """Have been told the results, which `takes` is true of."""
        assert self.in_group is not None
        self.in_group += len(results)
        self.position, self.day = results[-1].position or self.position, results[-1].day


async def follow(group: Group, member: Member, hear: Hear | None) -> Results:
    """What the group tells the member, but for what `hear` takes, until the member has to catch up
    again."""
    while member.in_group is not None:
        if hear is not None and group.head.seq >= member.joined:  # nothing is known already
            caught_up = await group.listen(member.in_group, hear)
            if caught_up is not None:
                member.in_group, member.position, member.day = caught_up
        results = await group.at(member.in_group)
        if results is None:
            return  # some are forgotten: the member was too slow
        for result in results:
            if not _is_next(result, member):
                return
            if not _is_known(result, member):
                yield result


async def catch_up(replay: Group, group: Group, member: Member, hear: Hear | None) -> Results:
    """What `replay` tells the member, but for what `hear` takes, until the member can join the
    group, or cannot follow the replay."""
    try:
        while member.in_group is not None:
            if replay.is_between_events(member.in_group) and member.fits(group):
                return
            chunk = await replay.chunk_at(member.in_group, member)
            if chunk is None:
                return  # some are forgotten: the member was too slow
            if hear is not None and member.takes(chunk.results) and hear(chunk):
                member.move(chunk.results)
                await asyncio.sleep(0)  # others have to be told as well
                continue
            for result in chunk.results:
                if not _is_next(result, member):
                    return
                if not _is_known(result, member):
                    yield result
                    if hear is not None:
                        break  # once it is sent, there is room again for the rest at once
    finally:
        replay.leave(member)


def _is_next(result: Result, member: Member) -> bool:
    """Whether the member may go on with a result: not with the counts of a new day at an older
    event than it has been told of, for the counts of both would contradict."""
    position = result.position or member.position
    return position.seq >= member.joined or not result.of_the_clock


def _is_known(result: Result, member: Member) -> bool:
    """Go on by a result, and say whether the member was told it before it joined."""
    assert member.in_group is not None
    member.in_group += 1
    position = result.position or member.position
    # The group was behind the member when it joined, and is telling what it knows already.
    if position.seq <= member.joined and not result.of_the_clock and not result.last:
        return True
    member.position, member.day = position, result.day
    return False

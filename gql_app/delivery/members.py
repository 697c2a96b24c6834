"""A member's life: one client's way through a stream that it shares with others.

    beginning -----> catching up      the group has forgotten some of what comes next
    beginning -----> reading          the group has all that comes next
    catching up ---> reading          the group has all that comes next
    catching up ---> beginning        it was too slow, or came to another day or settings
    reading -------> listening        it has read all that there is
    reading -------> beginning        it was too slow, or came to another day or settings
    listening -----> reading          it did not take a batch, or the stream has ended
    any -----------> gone             its client has left, or the stream has ended

A member that is beginning is told how things stand at its cursor, if its stream begins with that.
One that is catching up takes what it has missed from a replay, batch by batch. One that is reading
takes results from the group, and one that is listening is called with them. Only those that are
listening cost next to nothing, and nearly all members are, nearly all the time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gql_app.delivery.group import Group
from gql_app.delivery.results import Listener, Result, Results
from gql_app.schema.items import AsOf
from gql_app.work.access_log import Access
from models.chain import Position


class Life(StrEnum):
    """What a member is doing."""

    BEGINNING = "beginning"
    CATCHING_UP = "catching up"
    READING = "reading"
    LISTENING = "listening"
    GONE = "gone"


_GROUP_HAS_ALL = "the group has all that comes next"
_FELL_BEHIND = "it was too slow, or came to another day or settings"
_LEFT = "its client has left, or the stream has ended"

STEPS: Mapping[Life, Mapping[Life, str]] = {
    Life.BEGINNING: {
        Life.CATCHING_UP: "the group has forgotten some of what comes next",
        Life.READING: _GROUP_HAS_ALL,
        Life.GONE: _LEFT,
    },
    Life.CATCHING_UP: {
        Life.READING: _GROUP_HAS_ALL,
        Life.BEGINNING: _FELL_BEHIND,
        Life.GONE: _LEFT,
    },
    Life.READING: {
        Life.LISTENING: "it has read all that there is",
        Life.BEGINNING: _FELL_BEHIND,
        Life.GONE: _LEFT,
    },
    Life.LISTENING: {
        Life.READING: "it did not take a batch, or the stream has ended",
        Life.GONE: _LEFT,
    },
    Life.GONE: {},
}
"""From what, to what, and why. There is no other step."""


@dataclass(eq=False)
class Member:
    """How far a member has come: it has been told all up to `position`, `as_of` a day and settings.
    In a group it has a place, `in_group`, since it joined at event `joined`. `access` is whose it
    is."""

    position: Position
    access: Access
    as_of: AsOf | None = None
    joined: int = 0
    in_group: int | None = None
    life: Life = Life.BEGINNING

    def enter(self, life: Life) -> None:
        """Take one of the `STEPS`."""
        if life not in STEPS[self.life]:
            raise RuntimeError(f"a member that is {self.life} cannot be {life} next")
        self.life = life

    def join(self, group: Group) -> bool:
        """Take the place in a group after what it has been told. False if there is none."""
        self.in_group = group.place_after(self.position, self.as_of)
        self.joined = self.position.seq
        return self.in_group is not None

    def fits(self, group: Group) -> bool:
        """Whether it could join the group."""
        return group.place_after(self.position, self.as_of) is not None

    def begin(self) -> None:
        """Take the first place in a replay that begins at `position`, with the state there."""
        self.in_group, self.joined = 0, self.position.seq - 1

    def takes(self, results: list[Result]) -> bool:
        """Whether all of the results are new to the member, and none is the last."""
        return not results[-1].last and all(
            r.position is not None and r.position.seq > self.joined for r in results
        )

    def move(self, results: list[Result]) -> None:
        """Note that it has been told the results, of which `takes` is true."""
        assert self.in_group is not None
        self.in_group += len(results)
        self.position, self.as_of = results[-1].position or self.position, results[-1].as_of


async def follow(group: Group, member: Member, listener: Listener | None) -> Results:
    """What the group tells the member, but for what the `listener` takes. Ends when the member has
    to begin again."""
    member.enter(Life.READING)
    while member.in_group is not None:
        if listener is not None and group.head.seq >= member.joined:  # it knows nothing already
            await _listen(group, member, member.in_group, listener)
        results = await group.at(member.in_group)
        if results is None:
            return  # some are forgotten: the member was too slow
        for result in results:
            if not _is_next(result, member):
                return
            if not _is_known(result, member):
                yield result


async def _listen(group: Group, member: Member, place: int, listener: Listener) -> None:
    """Have the listener called with what comes, unless there is something to read first."""
    if not group.is_at_end(place):
        return
    member.enter(Life.LISTENING)
    member.in_group, member.position, member.as_of = await group.listen(
        place, listener, member.access
    )
    member.enter(Life.READING)


async def catch_up(
    replay: Group, group: Group, member: Member, listener: Listener | None
) -> Results:
    """What the replay tells the member, but for what the `listener` takes. Ends when the member can
    join the group, or cannot follow the replay."""
    member.enter(Life.CATCHING_UP)
    try:
        while member.in_group is not None:
            if replay.is_between_events(member.in_group) and member.fits(group):
                return
            chunk = await replay.chunk_at(member.in_group, member)
            if chunk is None:
                return  # some are forgotten: the member was too slow
            if listener is not None and member.takes(chunk.results) and listener(chunk):
                member.move(chunk.results)
                await asyncio.sleep(0)  # others have to be told as well
                continue
            for result in chunk.results:
                if not _is_next(result, member):
                    return
                if not _is_known(result, member):
                    yield result
                    if listener is not None:
                        break  # once it is sent, the listener may have room for the rest at once
    finally:
        replay.leave(member)


def _is_next(result: Result, member: Member) -> bool:
    """Whether the member may be told a result. Not the counts of a new day at an older event than
    it has been told of: they would contradict what it knows."""
    position = result.position or member.position
    return position.seq >= member.joined or not result.of_the_clock


def _is_known(result: Result, member: Member) -> bool:
    """Move on by a result, and say whether the member was told it before it joined."""
    assert member.in_group is not None
    member.in_group += 1
    position = result.position or member.position
    # The group was behind the member when it joined, and tells what the member knows already.
    if position.seq <= member.joined and not result.of_the_clock and not result.last:
        return True
    member.position, member.as_of = position, result.as_of
    return False

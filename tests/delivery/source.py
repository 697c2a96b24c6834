"""What tests of groups share: a stream that tells what the test puts in, and one who reads."""

import asyncio
from collections.abc import AsyncGenerator

from gql_app.clock import machine_time
from gql_app.delivery.group import Group
from gql_app.delivery.groups import Groups
from gql_app.delivery.results import Result
from gql_app.schema.items import AsOf
from gql_app.work.access_log import Access, AccessLog
from models.audit import AuditAction
from models.chain import Position

LIMIT = 10

SOMEBODY = Access(1, AuditAction.DELIVERY, "queueFeed", None, 1, 1)
"""Whose listeners are, where it does not matter."""


def some_groups() -> Groups:
    """The groups of a process whose audit is not looked at."""
    return Groups(AccessLog(machine_time).note)


class Source:
    """A stream that yields what the test puts in, and counts how often it was begun."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Result] = asyncio.Queue()
        self.begun: list[Position] = []
        self.closed = asyncio.Event()

    async def here(self) -> Position:
        await asyncio.sleep(0)
        return Position(10)

    async def stream(self, start: Position) -> AsyncGenerator[Result, None]:
        self.begun.append(start)
        try:
            while True:
                yield await self.queue.get()
                self.queue.task_done()  # `queue.join` waits until the group has seen all
        finally:
            self.closed.set()

    def put(self, *seqs: int) -> None:
        for seq in seqs:
            self.queue.put_nowait(Result(Position(seq), f"result {seq}"))


async def behind(group: Group, seq: int, as_of: AsOf | None = None) -> list[Result] | None:
    """What the group tells one who has been told all up to `seq`; None if it cannot."""
    place = group.place_after(Position(seq), as_of)
    if place is None:
        return None
    async with asyncio.timeout(LIMIT):
        return await group.at(place)


async def read(group: Group, seq: int, as_of: AsOf | None = None) -> list[int]:
    results = await behind(group, seq, as_of)
    assert results is not None
    return seqs(results)


def seqs(results: list[Result] | None) -> list[int]:
    """The numbers of the events that results are true at."""
    assert results is not None
    return [result.position.seq for result in results if result.position is not None]


async def until(group: Group, head: int) -> None:
    async with asyncio.timeout(LIMIT):
        while group.head.seq < head:
            await asyncio.sleep(0)

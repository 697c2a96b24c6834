"""A row is read once, together with all that is asked for in the same turn of the loop."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from gql_app.schema.row_loader import RowLoader
from tests.serving import PATIENCE


class Row(NamedTuple):
    id: int


class Table:
    """Where rows are read from: those with even numbers are there. A read waits while `open` is
    not set, and raises `error` if there is one."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.rows: RowLoader[int, Row] = RowLoader(self.read)

    async def read(self, ids: list[int]) -> list[Row]:
        self.reads.append(ids)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return [Row(i) for i in ids if i % 2 == 0]

    async def load(self, row_id: int) -> Row | None:
        async with asyncio.timeout(PATIENCE):
            return await self.rows.load(row_id)

    async def load_many(self, ids: Sequence[int]) -> Mapping[int, Row | None]:
        async with asyncio.timeout(PATIENCE):
            return await self.rows.load_many(ids)


@pytest.fixture
async def table() -> Table:
    return Table()


async def turns(number: int = 3) -> None:
    """Let everything that can go on do so."""
    for _ in range(number):
        await asyncio.sleep(0)


async def started(*asks: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Tasks that ask one after the other and wait for their rows."""
    tasks = [asyncio.create_task(ask) for ask in asks]
    await turns()
    assert not any(task.done() for task in tasks)
    return tasks


async def test_a_row_is_read_once_however_often_it_is_asked_for(table: Table) -> None:
    for _ in range(3):
        assert await table.load(2) == Row(2)
    assert (await table.load_many([2, 4]))[4] == Row(4)
    assert table.reads == [[2], [4]]


async def test_what_is_asked_for_in_the_same_turn_is_one_read(table: Table) -> None:
    one, many, again = await asyncio.gather(table.load(2), table.load_many([4, 6]), table.load(4))
    assert (one, many[6], again) == (Row(2), Row(6), Row(4))
    assert [sorted(ids) for ids in table.reads] == [[2, 4, 6]]


async def test_a_number_that_is_given_twice_is_read_once(table: Table) -> None:
    assert (await table.load_many([2, 2, 2]))[2] == Row(2)
    assert table.reads == [[2]]


async def test_a_row_that_is_not_there_is_none_and_is_not_looked_for_again(table: Table) -> None:
    assert await table.load(3) is None
    assert dict(await table.load_many([3, 4])) == {3: None, 4: Row(4)}
    assert table.reads == [[3], [4]]


async def test_nothing_is_read_when_nothing_is_asked_for(table: Table) -> None:
    assert not await table.load_many([])
    assert table.reads == []


async def test_rows_that_are_known_already_are_not_read(table: Table) -> None:
    table.rows.add([Row(1), Row(2)])
    assert await table.load(1) == Row(1)
    assert (await table.load_many([1, 2, 4]))[4] == Row(4)
    assert table.reads == [[4]]


async def test_rows_are_found_by_the_number_that_they_are_asked_to_have(table: Table) -> None:
    table.rows = RowLoader(table.read, lambda row: row.id + 1)
    assert dict(await table.load_many([2])) == {2: None}
    table.rows.add([Row(6)])
    assert await table.load(7) == Row(6)


async def test_a_row_that_is_on_its_way_is_not_read_again(table: Table) -> None:
    table.open.clear()
    first = await started(table.load_many([2, 4]))
    later = await started(table.load(2), table.load_many([4, 6]))
    assert table.reads == [[2, 4], [6]]
    table.open.set()
    assert (await asyncio.gather(*first, *later))[1] == Row(2)
    assert table.reads == [[2, 4], [6]]


async def test_an_error_goes_to_all_who_asked_and_the_next_ask_reads_afresh(table: Table) -> None:
    table.open.clear()
    asks = await started(table.load(2), table.load(4), table.load_many([2, 6]))
    asks += await started(table.load(4))
    table.error = OSError("The database is away.")
    table.open.set()
    assert await asyncio.gather(*asks, return_exceptions=True) == [table.error] * 4
    table.error = None
    assert await table.load(2) == Row(2)
    assert [sorted(ids) for ids in table.reads] == [[2, 4, 6], [2]]


async def test_an_error_of_one_read_is_not_that_of_another(table: Table) -> None:
    table.open.clear()
    (failing,) = await started(table.load(2))
    table.error = OSError("The database is away.")
    table.open.set()
    with pytest.raises(OSError, match="away"):
        await failing
    table.error = None
    assert await table.load(4) == Row(4)
    assert table.reads == [[2], [4]]


@pytest.mark.parametrize("in_flight", [True, False], ids=["while it reads", "before it reads"])
async def test_who_waits_for_one_that_is_cancelled_reads_in_its_place(
    table: Table, in_flight: bool
) -> None:
    table.open.clear()
    leader = asyncio.create_task(table.load(2))
    follower = asyncio.create_task(table.load_many([2, 4]))
    await turns(3 if in_flight else 1)
    assert bool(table.reads) == in_flight
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    table.open.set()
    table.reads.clear()
    async with asyncio.timeout(5):  # never CancelledError: nobody has cancelled this one
        assert (await follower)[4] == Row(4)
    assert table.reads == [[2, 4]]


async def test_who_waits_and_is_cancelled_leaves_the_others_their_rows(table: Table) -> None:
    table.open.clear()
    leader, follower, other = await started(*(table.load(i) for i in (2, 4, 4)))
    follower.cancel()
    with pytest.raises(asyncio.CancelledError):
        await follower
    table.open.set()
    assert [await leader, await other] == [Row(2), Row(4)]
    assert table.reads == [[2, 4]]

"""SQLite: changes that are committed together stand or fall each by itself, but for the commit."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from sqlite3 import DatabaseError
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from models.database import fetch, transaction, transactions, write
from models.people import Staff
from tests.models.database.test_sqlite import Name, traced
from tests.office import Office
from tests.serving import PATIENCE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CHANGES = 10


class Mistake(Exception):
    """Ends a change that is to be undone."""


async def add_by_orm(**values: Any) -> None:
    await Staff.bulk_create([Staff(**values)])


async def test_changes_that_wait_for_their_turn_are_committed_together(
    office: Office,
) -> None:
    carried_out = await traced()
    await all_of(add_staff(f"Agent {n}") for n in range(CHANGES))
    assert carried_out.count("COMMIT") <= 2
    assert await agents() == {f"Agent {n}" for n in range(CHANGES)}


async def test_a_change_is_committed_when_it_is_said_to_be(office: Office) -> None:
    seen: list[bool] = []

    async def add_and_look(name: str) -> None:
        await add_staff(name)
        seen.append(name in await agents())

    await all_of(add_and_look(f"Agent {n}") for n in range(CHANGES))
    assert seen == [True] * CHANGES


async def test_a_change_alone_does_not_wait_for_others(office: Office) -> None:
    carried_out = await traced()
    await add_staff("Agent 1")
    await add_staff("Agent 2")
    assert carried_out.count("COMMIT") == 2


@pytest.mark.parametrize("failing", range(4))
async def test_a_change_that_fails_is_undone_alone(office: Office, failing: int) -> None:
    def change(n: int) -> Awaitable[None]:
        return add_staff(f"Agent {n}", then=mistaken if n == failing else None)

    results = await all_of(map(change, range(4)))
    assert [isinstance(result, Mistake) for result in results] == [n == failing for n in range(4)]
    assert await agents() == {f"Agent {n}" for n in range(4) if n != failing}


async def test_a_change_that_fails_for_another_can_see_it_then(office: Office) -> None:
    async def take_number() -> None:
        await write("UPDATE staff SET id = 999 WHERE name LIKE 'Agent%' AND id <> 999")

    async def add_and_look(name: str) -> set[str]:
        with pytest.raises(IntegrityError):
            await add_staff(name, then=take_number)
        return await agents()

    first = add_staff("Agent 0", then=take_number)
    results = await all_of([first, add_and_look("Agent 1"), add_and_look("Agent 2")])
    assert results == [None, {"Agent 0"}, {"Agent 0"}]


async def test_changes_that_all_fail_leave_nothing_and_the_next_one_is_made(
    office: Office,
) -> None:
    carried_out = await traced()
    await all_of(add_staff(f"Agent {n}", then=mistaken) for n in range(CHANGES))
    assert carried_out.count("COMMIT") == 0
    await add_staff("Agent")
    assert await agents() == {"Agent"}


async def test_where_the_commit_fails_all_hear_of_it_and_the_next_change_is_made(
    office: Office,
) -> None:
    async def break_a_promise() -> None:
        await write("PRAGMA defer_foreign_keys = ON")  # so that the commit looks, and not this
        await write("UPDATE queue SET practice_id = 999")

    results = await all_of(
        add_staff(f"Agent {n}", then=break_a_promise if n == 1 else None) for n in range(4)
    )
    assert ["FOREIGN KEY" in str(result) for result in results] == [True] * 4
    assert await agents() == set()
    await add_staff("Agent")
    assert await agents() == {"Agent"}


async def test_where_sqlite_gives_the_transaction_up_all_hear_of_it_and_the_next_one_is_begun(
    office: Office,
) -> None:
    await have_sqlite_give_up()
    results = await all_of(
        add_staff(f"Agent {n}", then=fill_the_disk if n == 1 else None) for n in range(4)
    )
    assert [type(result) for result in results] == [
        OperationalError,
        IntegrityError,
        OperationalError,
        OperationalError,
    ]
    assert await agents() == set()
    await add_staff("Agent")
    assert await agents() == {"Agent"}


async def test_a_change_that_cannot_begin_is_in_nobodys_way(
    office: Office, elsewhere: sqlite3.Connection
) -> None:
    await forbid("BEGIN")
    [result] = await all_of([add_staff("Agent 0")])
    assert isinstance(result, DatabaseError)
    elsewhere.execute("PRAGMA busy_timeout = 0")
    elsewhere.execute("UPDATE practice SET name = 'Written elsewhere'")
    await forbid(None)
    await all_of([add_staff("Agent 1")])
    assert await agents() == {"Agent 1"}


async def test_half_a_change_that_cannot_be_undone_is_not_committed_with_others(
    office: Office,
) -> None:
    async def fail_for_good() -> None:
        await forbid("ROLLBACK")
        raise Mistake

    results = await all_of([add_staff("Agent 0"), add_staff("Agent 1", then=fail_for_good)])
    assert [type(result) for result in results] == [OperationalError, DatabaseError]
    assert await agents() == set()
    await forbid(None)
    await all_of([add_staff("Agent 2")])
    assert await agents() == {"Agent 2"}


async def test_one_who_is_cancelled_while_it_waits_for_its_turn_is_not_missed(
    office: Office,
) -> None:
    changes = [asyncio.create_task(add_staff(f"Agent {n}")) for n in range(4)]
    await asyncio.sleep(0)
    for n in (1, 3):
        changes[n].cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait(changes)
    assert [change.cancelled() for change in changes] == [False, True, False, True]
    assert await agents() == {"Agent 0", "Agent 2"}


async def test_one_who_is_cancelled_while_it_waits_for_the_commit_is_committed(
    office: Office,
) -> None:
    done, may_end = asyncio.Event(), asyncio.Event()

    async def hold_up() -> None:
        await may_end.wait()

    async def say() -> None:
        done.set()

    first = asyncio.create_task(add_staff("Agent 0", then=say))
    second = asyncio.create_task(add_staff("Agent 1", then=hold_up))
    async with asyncio.timeout(PATIENCE):
        await done.wait()
        await asyncio.sleep(0)  # now it waits for the second
        first.cancel()
        may_end.set()
        await asyncio.wait({first, second})
    assert first.cancelled()
    assert await agents() == {"Agent 0", "Agent 1"}


@pytest.mark.parametrize("create", [Staff.create, add_by_orm])
async def test_what_the_orm_writes_is_undone_with_the_rest_of_its_change(
    office: Office, create: Callable[..., Awaitable[object]]
) -> None:
    async def create_and_fail() -> None:
        await create(practice=office.practice, name="Agent by the ORM")
        raise Mistake

    await all_of([add_staff("Agent 0"), add_staff("Agent 1", then=create_and_fail)])
    assert await agents() == {"Agent 0"}


async def test_nothing_is_written_outside_of_a_transaction_that_was_given_up(
    office: Office,
) -> None:
    async def go_on_all_the_same() -> None:
        with suppress(IntegrityError):
            await fill_the_disk()
        await write("UPDATE staff SET name = 'Agent in spite of all'")

    await have_sqlite_give_up()
    [result] = await all_of([add_staff("Agent", then=go_on_all_the_same)])
    assert "given the transaction up" in str(result)
    assert await agents() == set()


async def test_what_is_written_by_itself_is_not_undone_with_a_change(office: Office) -> None:
    changing = asyncio.create_task(add_staff("Agent", then=mistaken))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await write("UPDATE practice SET name = 'Written by itself'")
        await asyncio.wait({changing})
    assert isinstance(changing.exception(), Mistake)
    names = await fetch(Name, "SELECT name FROM practice")
    assert names == [Name("Written by itself")]


async def all_of(changes: Any) -> list[Any]:
    """What comes of changes that are all under way at once, in their order."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*changes, return_exceptions=True)


async def add_staff(name: str, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Add a member of staff in a change, which goes on with `then`."""
    async with transaction():
        await write(
            "INSERT INTO staff (practice_id, name, created_at)"
            " SELECT id, $1, '2026-01-01' FROM practice",
            name,
        )
        if then is not None:
            await then()


async def have_sqlite_give_up() -> None:
    """Have SQLite give a transaction up that calls `fill_the_disk`."""
    await write("""CREATE TRIGGER full BEFORE UPDATE ON practice
        BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END""")


async def fill_the_disk() -> None:
    await write("UPDATE practice SET name = 'Too long'")


async def forbid(operation: str | None) -> None:
    """Have SQLite refuse an operation on savepoints from now on."""
    savepoints = 32

    def authorize(action: int, argument: str | None, *_: object) -> int:
        is_it = action == savepoints and argument == operation
        return sqlite3.SQLITE_DENY if is_it else sqlite3.SQLITE_OK

    client: Any = transactions.connection()
    while not hasattr(client, "_group"):  # from within a change
        client = client._parent
    client._connection._conn.set_authorizer(authorize)


async def mistaken() -> None:
    raise Mistake


async def agents() -> set[str]:
    """The staff that was added, as others see it."""
    rows = await fetch(Name, "SELECT name FROM staff WHERE name LIKE 'Agent%'")
    return {row.name for row in rows}

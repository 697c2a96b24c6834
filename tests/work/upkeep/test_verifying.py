"""callboard verify: a history that was changed is found, and at which event."""

from datetime import timedelta

import pytest

from gql_app.work.upkeep.retention import prune
from gql_app.work.upkeep.verifying import Verdict, verify
from models.database import has_row_locks, write
from tests.office import Office

UNGUARD = {
    True: "ALTER TABLE task_event DISABLE TRIGGER USER",
    False: "DROP TRIGGER task_event_is_append_only_update",
}


async def change(office: Office, statement: str, *values: object) -> None:
    """Change history as somebody with the database's password could."""
    await write(UNGUARD[has_row_locks()])
    await write(statement, office.practice.id, *values)


async def history(office: Office, events: int) -> None:
    task = await office.make_task()
    for _ in range(events - 1):
        await office.log(task)


async def test_a_history_that_nobody_changed_is_sound(office: Office) -> None:
    assert await verify(office.practice.id) == Verdict(1, 0, None)
    await history(office, 5)
    assert await verify(office.practice.id) == Verdict(1, 5, None)


async def test_what_is_left_after_pruning_is_sound(office: Office) -> None:
    await history(office, 3)
    office.clock.advance(days=40)
    task = await office.make_task()
    await office.log(task)
    await prune(office.changes, timedelta(days=30), office.clock())
    assert await verify(office.practice.id) == Verdict(4, 5, None)


@pytest.mark.parametrize(
    "changed", ["contact_count = 9", "follow_up = '2020-01-01'", "at = '2020-01-01 00:00:00+00:00'"]
)
async def test_an_event_that_was_changed_is_named(office: Office, changed: str) -> None:
    await history(office, 5)
    sql = f"UPDATE task_event SET {changed} WHERE practice_id = $1 AND seq = $2"
    await change(office, sql, 3)
    assert await verify(office.practice.id) == Verdict(1, 5, 3)


@pytest.mark.parametrize(
    ("removed", "missed"), [("seq > 3", 4), ("seq = 3", 3)], ids=["at the end", "in between"]
)
async def test_events_that_were_taken_out_are_missed(
    office: Office, removed: str, missed: int
) -> None:
    await history(office, 5)
    await change(office, "UPDATE practice SET pruned_through = 9 WHERE id = $1")
    await write(f"DELETE FROM task_event WHERE {removed}")
    await write("UPDATE practice SET pruned_through = $1", 0)
    assert await verify(office.practice.id) == Verdict(1, 5, missed)

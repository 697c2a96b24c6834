"""Events are kept for a while, and a stream that comes back too late is told so."""

from datetime import timedelta

import pytest

from gql_app.work.upkeep.retention import prune
from models.chain import Position
from models.event import Resync, check_resumable, select_events
from tests.office import Office

KEEP = timedelta(days=30)


async def kept(office: Office) -> list[int]:
    """The numbers of the events that are there."""
    where = "e.practice_id = $1"
    return [event.seq for event in await select_events(where, 10, [office.practice.id])]


async def test_events_older_than_is_kept_are_removed_and_no_others(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    office.clock.advance(days=40)
    await office.log(task)

    assert await prune(office.changes, KEEP, office.clock()) == 2
    assert await kept(office) == [3]
    assert await prune(office.changes, KEEP, office.clock()) == 0


async def test_more_events_than_are_removed_at_once_are_all_removed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.upkeep.retention.BATCH", 2)
    task = await office.make_task()
    for _ in range(4):
        await office.log(task)
    office.clock.advance(days=40)
    await office.log(task)

    assert await prune(office.changes, KEEP, office.clock()) == 5
    assert await kept(office) == [6]


async def test_a_cursor_from_before_what_is_kept_is_told_to_start_afresh(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    office.clock.advance(days=40)
    await prune(office.changes, KEEP, office.clock())

    with pytest.raises(Resync):
        await check_resumable(office.practice.id, Position(1))
    await check_resumable(office.practice.id, Position(2))
    with pytest.raises(Resync):
        await check_resumable(office.practice.id, Position(3))


async def test_pruning_one_practice_leaves_the_numbers_going_on(office: Office) -> None:
    task = await office.make_task()
    office.clock.advance(days=40)
    await prune(office.changes, KEEP, office.clock())
    await office.log(task)
    assert await kept(office) == [2]

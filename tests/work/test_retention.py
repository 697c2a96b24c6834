"""Events are kept for a while, and a stream that comes back too late is told so."""

from datetime import timedelta

import pytest

from gql_app.work.retention import prune
from models.event import Resync, check_resumable, events_after
from tests.office import Office

KEEP = timedelta(days=30)


async def test_events_older_than_is_kept_are_removed_and_no_others(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    office.clock.advance(days=40)
    await office.log(task)

    assert await prune(KEEP, office.clock()) == 2
    assert [event.seq for event in await events_after(office.practice.id, 0, 10)] == [3]
    assert await prune(KEEP, office.clock()) == 0


async def test_more_events_than_are_removed_at_once_are_all_removed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.retention.BATCH", 2)
    task = await office.make_task()
    for _ in range(4):
        await office.log(task)
    office.clock.advance(days=40)
    await office.log(task)

    assert await prune(KEEP, office.clock()) == 5
    assert [event.seq for event in await events_after(office.practice.id, 0, 10)] == [6]


async def test_a_cursor_from_before_what_is_kept_is_told_to_start_afresh(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    office.clock.advance(days=40)
    await prune(KEEP, office.clock())

    with pytest.raises(Resync):
        await check_resumable(office.practice.id, 1)
    await check_resumable(office.practice.id, 2)
    with pytest.raises(Resync):
        await check_resumable(office.practice.id, 3)


async def test_pruning_one_practice_leaves_the_numbers_going_on(office: Office) -> None:
    task = await office.make_task()
    office.clock.advance(days=40)
    await prune(KEEP, office.clock())
    await office.log(task)
    assert [event.seq for event in await events_after(office.practice.id, 1, 10)] == [2]

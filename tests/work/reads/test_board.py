"""A board is true at one event's number, and events carry it on to what a fresh one would show."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from gql_app.work.reads.board import after_event, counts_at, read_board
from gql_app.work.reads.queues import QueueCounts, queue_counts
from gql_app.work.transitions import expire_task
from models.chain import Position
from models.event import events_after
from models.practice import Queue
from tests.office import Office


async def live_two_days(office: Office) -> None:
    """Changes that move every count: tasks made, put off from day to day, closed by a contact
    yesterday and today, closed by the clock, left until they are overdue, called as often as their
    queue allows."""
    today = office.today
    days = [None, today, today + timedelta(days=1), today + timedelta(days=9)]
    tasks = [
        await office.make_task((office.recall, office.missed)[n % 2], follow_up=day)
        for n, day in enumerate(days * 2)
    ]
    for task in tasks[3:]:
        for day in days[1:]:
            await office.log(task, follow_up=day)
    await office.log(tasks[3], close=True)
    expiring = await office.make_task(expires_at=office.clock() + timedelta(days=1))
    office.clock.advance(hours=25)
    assert await office.changes.make_for(office.practice.id, expire_task, expiring.id)
    await office.log(tasks[0], close=True)
    await Queue.filter(id__in=[office.recall.id, office.missed.id]).update(max_attempts=1)
    for task in tasks[4:6]:
        await office.log(task, follow_up=office.today)


async def counted(office: Office) -> dict[int, QueueCounts]:
    both = [office.recall.id, office.missed.id]
    return {row.queue_id: row for row in await queue_counts(office.staff, both, office.clock())}


async def test_counts_carried_on_by_events_are_those_counted_afresh(office: Office) -> None:
    rolled = await counted(office)
    await live_two_days(office)

    for event in await events_after(office.practice.id, Position(0), 100):
        before = rolled[event.queue_id]
        rolled[event.queue_id] = after_event(before, event, office.staff, office.today)

    fresh = await counted(office)
    assert {i: row._replace(seq=0) for i, row in rolled.items()} == {
        i: row._replace(seq=0) for i, row in fresh.items()
    }
    figures = [sum(figure) for figure in zip(*fresh.values(), strict=True)]
    assert all(figures), "a figure that stays at nothing proves nothing"


async def test_counts_at_an_earlier_event_are_those_that_stood_there(office: Office) -> None:
    both = [office.recall.id, office.missed.id]
    stood = [await counted(office)]
    task = await office.make_task(follow_up=office.today)
    stood.append(await counted(office))
    await office.log(task, follow_up=office.today + timedelta(days=1))
    stood.append(await counted(office))
    await office.log(task, close=True)
    stood.append(await counted(office))

    for seq, counts in enumerate(stood):
        found = await counts_at(office.staff, both, Position(seq), office.clock())
        assert found.counts == counts


async def test_a_board_read_amid_changes_shows_one_moment(office: Office) -> None:
    both = [office.recall.id, office.missed.id]
    tasks = [await office.make_task(queue) for queue in (office.recall, office.missed) * 3]

    async def change() -> None:
        for task in tasks:
            await office.log(task, follow_up=office.today)
        for task in tasks[:4]:
            await office.log(task, close=True)

    changing = asyncio.create_task(change())
    boards = []
    while not changing.done():
        boards.append(await read_board(office.staff, both, 50, office.clock()))
    await changing

    assert len(boards) > 2
    for board in boards:
        stood = (await counts_at(office.staff, both, board.position, office.clock())).counts
        for shown in board.queues:
            assert shown.counts == stood[shown.queue.id]
            assert len(shown.page.rows) == shown.counts.open
            versions = sum(row.version for row in shown.page.rows)
            assert versions == shown.counts.not_contacted + 2 * shown.counts.in_progress


async def test_a_board_holds_only_the_queues_that_the_key_allows(office: Office) -> None:
    await office.make_task(office.missed)
    limited = replace(office.staff, queue_ids=frozenset({office.missed.id}))
    both = [office.recall.id, office.missed.id]

    board = await read_board(limited, both, 50, office.clock())

    assert [(shown.queue.id, shown.counts.open) for shown in board.queues] == [
        (office.missed.id, 1)
    ]
    assert (await read_board(limited, [office.recall.id], 50, office.clock())).queues == []

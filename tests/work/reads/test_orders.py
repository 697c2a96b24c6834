"""Each order of a list, page by page: complete and in order, also while others write."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import gql_app.work.reads.queues as queues_module
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import (
    Moment,
    Place,
    due_cursor,
    event_cursor,
    id_cursor,
    moment_cursor,
    place_cursor,
)
from gql_app.work.reads.orders import TaskOrder, cursor_of
from gql_app.work.reads.queues import tasks_page, tasks_page_in_full
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.upkeep.call_backs import tell_call_backs
from models.chain import Position
from models.contact import Contact
from models.database import fetch, write
from models.lifecycle import TaskStatus
from models.priority import TaskPriority
from models.task import LONG_AGO, NEVER, Task
from tests.office import Office
from tests.support.call_backs import promise
from tests.work.worklists import EVERY_STATUS

HOUR = timedelta(hours=1)

PRIORITIES = (2, 2, 3, 1, 2, 1, 2, 2, 1, 2, 2, 3)


async def pages(
    office: Office, order: TaskOrder, size: int, query: TaskQuery = EVERY_STATUS
) -> AsyncIterator[list[int]]:
    """The ids of each page; the next is asked for once this one has been looked at."""
    after, today = None, office.today
    for _ in range(50):
        page = await tasks_page_in_full(office.staff, query, order, size, after, today=today)
        alone = await tasks_page(office.staff, query, order, size, after, today)
        assert alone.rows == page.tasks.rows
        yield [row.id for row in alone.rows]
        if not page.tasks.has_next:
            return
        contacted = {task.id: last and last.made_at for task, last in page.pairs()}
        after = cursor_of(order, contacted, today)(alone.rows[-1])
    pytest.fail("the list has no end")


async def keys(office: Office, order: TaskOrder) -> dict[int, tuple[Any, ...]]:
    """What each task stands by in a list in `order`, said once more in Python."""
    today = office.today
    contacted = {c.id: c.contacted_at or c.logged_at for c in await Contact.all()}

    def key(task: Task) -> tuple[Any, ...]:
        last = contacted.get(task.last_contact_id or 0)
        closed = (task.closed_at is None, -(task.closed_at or LONG_AGO).timestamp(), -task.id)
        expiry = (task.expires_at or NEVER, task.id)
        due: tuple[Any, ...]
        if task.follow_up and task.follow_up > today:
            due = (2, task.follow_up, *expiry)
        else:
            due = (0, task.priority, task.follow_up, *expiry)
        if task.call_back_told_at is not None:
            due = (-1, task.follow_up_at, task.id)
        new = (1, task.priority, *expiry)
        return {
            TaskOrder.WORK: ((3, *closed) if task.closed_at else due if task.follow_up else new),
            TaskOrder.CLOSED: closed,
            TaskOrder.DUE: (task.due_on, task.id),
            TaskOrder.EXPIRES: (task.expires_at is None, task.expires_at, task.id),
            TaskOrder.CREATED: (-task.id,),
            TaskOrder.LAST_CONTACTED: (last is not None, last, task.id),
        }[order]

    return {task.id: key(task) for task in await Task.all()}


async def make_tasks(office: Office) -> list[Task]:
    """A dozen, of which several have the same expiry, or none, and the same last contact, or none,
    one of them logged after it was made, with the order of their ids none of the others; of each
    priority some of each kind."""
    tasks = []
    for n, hours in enumerate((9, None, 5, 5, None, 7, 5, None, 9, 6, 8, None)):
        given: dict[str, datetime] = {}
        if hours is not None:
            given["expires_at"] = office.clock() + timedelta(days=40) + hours * HOUR
        queue = (office.recall, office.missed)[n % 2]
        priority = TaskPriority(PRIORITIES[n])
        patient = office.patients[n % 3]
        tasks.append(await office.make_task(queue, patient=patient, priority=priority, **given))
    for place, ahead in ((8, 2), (2, 1), (9, 5), (5, 2), (4, 2)):
        if place != 9:  # at the same moment as the one before
            office.clock.advance(minutes=7)
        await office.log(tasks[place], follow_up=office.today + timedelta(days=ahead))
    at = office.clock() - 3 * HOUR
    await office.log(tasks[7], contacted_at=at, follow_up=office.today)
    for n, place in enumerate((10, 6, 1)):  # two at the same moment, and one that is to come
        await promise(office, tasks[place], office.clock() + timedelta(minutes=1 + n // 2 * 60))
    office.clock.advance(minutes=3)
    assert await tell_call_backs(office.changes, office.clock()) == 2
    return tasks


async def walked(
    office: Office, order: TaskOrder, size: int, query: TaskQuery = EVERY_STATUS
) -> list[int]:
    return [i for page in [p async for p in pages(office, order, size, query)] for i in page]


async def test_pages_join_to_the_whole_list_in_order(office: Office) -> None:
    await make_tasks(office)
    for order in TaskOrder:
        expected = await keys(office, order)
        for size in (1, 3, 12):
            found = await walked(office, order, size)
            assert found == sorted(expected, key=lambda i: expected[i]), (order, size)


@pytest.mark.parametrize("order", TaskOrder)
async def test_what_others_do_between_two_pages_moves_nothing_that_stays_where_it_was(
    office: Office, order: TaskOrder
) -> None:
    tasks = await make_tasks(office)
    before = await keys(office, order)
    found: list[int] = []
    others = [tasks[place] for place in (0, 7, 3, 11, 8)]

    async for page in pages(office, order, 2):
        found += page
        if not others:
            continue
        office.clock.advance(minutes=1)
        expires = office.clock() + timedelta(days=39)
        await office.make_task(expires_at=expires)  # it belongs before most
        await office.make_task()
        await office.log(others.pop(0), close=len(others) % 2 == 0)

    after = await keys(office, order)
    stayed = {i for i in before if after[i] == before[i]}
    assert len(stayed) >= 5
    assert [i for i in found if i in stayed] == sorted(stayed, key=lambda i: before[i])
    assert not others


async def test_each_order_holds_within_a_queue_and_among_what_is_open(office: Office) -> None:
    tasks = await make_tasks(office)
    await office.log(tasks[2], close=True)
    here = {t.id for t in tasks if t.queue_id == office.recall.id} - {tasks[2].id}
    for order in TaskOrder:
        expected = await keys(office, order)
        found = await walked(office, order, 2, TaskQuery(queue_ids=(office.recall.id,)))
        assert found == sorted(here, key=lambda i: expected[i]), order


async def test_an_order_goes_on_from_its_own_cursors_alone(office: Office) -> None:
    here, today = office.practice.id, office.today

    def cursors(practice: int) -> dict[TaskOrder | None, str]:
        return {
            TaskOrder.DUE: due_cursor(practice, today, 1),
            TaskOrder.EXPIRES: moment_cursor(Moment.EXPIRY, practice, NEVER, 1),
            TaskOrder.CREATED: id_cursor(practice, 1),
            TaskOrder.WORK: place_cursor("w", practice, Place(today, "n2", (NEVER, 1))),
            TaskOrder.CLOSED: place_cursor("c", practice, Place(today, "o", (1,))),
            TaskOrder.LAST_CONTACTED: moment_cursor(Moment.LAST_CONTACT, practice, LONG_AGO, 1),
            None: event_cursor(practice, Position(1)),
        }

    for order in TaskOrder:
        await tasks_page(office.staff, EVERY_STATUS, order, 5, cursors(here)[order], today)
        others = [cursor for o, cursor in cursors(here).items() if o is not order]
        for cursor in (*others, cursors(here + 1)[order], "", "nonsense"):
            with pytest.raises(BadInput, match="cursor"):
                await tasks_page(office.staff, EVERY_STATUS, order, 5, cursor, today)


async def test_of_some_priorities_the_order_is_the_same(office: Office) -> None:
    tasks = await make_tasks(office)
    expected = await keys(office, TaskOrder.WORK)
    for asked in ((1,), (3, 1), (2,), (1, 2, 3)):
        query = replace(EVERY_STATUS, priority=tuple(map(TaskPriority, asked)))
        meant = [task.id for task, of in zip(tasks, PRIORITIES, strict=True) if of in asked]
        found = await walked(office, TaskOrder.WORK, 2, query)
        assert found == sorted(meant, key=lambda i: expected[i]), asked


async def test_a_cursor_goes_on_in_a_list_of_other_priorities(office: Office) -> None:
    """It names a place, whether or not the list that goes on there has anything before it."""
    tasks = await make_tasks(office)
    expected, today = await keys(office, TaskOrder.WORK), office.today
    place = next(t for t, of in zip(tasks, PRIORITIES, strict=True) if of == 1)
    rows = (await tasks_page(office.staff, EVERY_STATUS, TaskOrder.WORK, 12, None, today)).rows
    after = cursor_of(TaskOrder.WORK, {}, today)(next(r for r in rows if r.id == place.id))
    query = replace(EVERY_STATUS, priority=(TaskPriority.NORMAL,))

    page = await tasks_page(office.staff, query, TaskOrder.WORK, 12, after, today)

    later = [
        task.id
        for task, of in zip(tasks, PRIORITIES, strict=True)
        if of == 2 and expected[task.id] > expected[place.id]
    ]
    assert [row.id for row in page.rows] == sorted(later, key=lambda i: expected[i])


async def test_cursors_from_before_priorities_go_on_or_are_refused(office: Office) -> None:
    """Where the order is as it was they go on; where it is another one, rows might be skipped."""
    await make_tasks(office)
    here, today = office.practice.id, office.today
    expected = await keys(office, TaskOrder.WORK)
    in_order = sorted(expected, key=lambda i: expected[i])
    for section, values in (("d", (today, NEVER, 1)), ("n", (NEVER, 1))):
        old = place_cursor("w", here, Place(today, section, values))
        with pytest.raises(BadInput, match="cursor"):
            await tasks_page(office.staff, EVERY_STATUS, TaskOrder.WORK, 5, old, today)
    later = next(i for i in in_order if expected[i][0] == 2)
    task = await Task.get(id=later)
    place = (task.follow_up, task.expires_at or NEVER, task.id)
    old = place_cursor("w", here, Place(today, "l", place))
    page = await tasks_page(office.staff, EVERY_STATUS, TaskOrder.WORK, 12, old, today)
    assert [row.id for row in page.rows] == in_order[in_order.index(later) + 1 :]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_reads_each_section_from_its_index_wherever_a_page_begins(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tasks(office)
    asked: list[tuple[str, tuple[object, ...]]] = []

    async def noting(row: Any, sql: str, *values: object) -> Any:
        asked.append((sql, values))
        return await fetch(row, sql, *values)

    monkeypatch.setattr(queues_module, "fetch", noting)
    here, today = office.practice.id, office.today
    due = place_cursor("w", here, Place(today, "d2", (today, NEVER, 1)))
    closed = place_cursor("c", here, Place(today, "c", (NEVER, 1)))
    queue, of_a_queue = (office.recall.id,), {"task_queue_work"}
    of_all, only = {"task_due_work", "task_new_work"}, (TaskStatus.CLOSED,)
    of_work = of_a_queue | of_all
    for order, query, after, indexes in (
        (TaskOrder.WORK, TaskQuery(), due, of_all),
        (TaskOrder.WORK, TaskQuery(queue), due, of_a_queue),
        (TaskOrder.WORK, TaskQuery(queue, priority=(TaskPriority.NORMAL,)), due, of_a_queue),
        (TaskOrder.CLOSED, TaskQuery(status=only), closed, {"task_by_closing"}),
        (TaskOrder.CLOSED, TaskQuery(queue, only), closed, {"task_closed"}),
    ):
        for place in (None, after):
            await tasks_page(office.staff, query, order, 50, place, today)
            sql, values = asked[-1]
            steps = [r["detail"] for r in await write(f"EXPLAIN QUERY PLAN {sql}", *values)]
            looks = [step for step in steps if step.startswith("SEARCH t")]
            first = {"task_call_back_due"} if order is TaskOrder.WORK and place is None else set()
            assert {step.split()[4] for step in looks} == indexes | first, (order, place)
            if place is due:  # the rest of a day is found, not read from its beginning
                assert "=? AND <expr>=? AND id>?)" in looks[0]
                assert "=? AND <expr>>?)" in looks[1]
            assert all("priority=?" in look for look in looks if look.split()[4] in of_work)

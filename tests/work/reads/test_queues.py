"""The read side of the work lists: which tasks, in which order, page by page."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gql_app.work.reads.conditions import BadInput, Page
from gql_app.work.reads.cursors import due_cursor, event_cursor, id_cursor
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.queues import tasks_of_patients, tasks_of_queues, tasks_page, visible_queues
from gql_app.work.reads.task_filter import TaskQuery
from models.chain import Position
from models.lifecycle import TaskOrigin, TaskStatus
from models.task import TaskRow
from tests.office import Office
from tests.work.worklists import EVERY_STATUS, listed, make_tasks

TURN = Callable[[int, str | None], Awaitable[Page[TaskRow]]]


async def walk(turn: TURN, cursor: Callable[[TaskRow], str], size: int) -> list[int]:
    """The ids on all pages of `size`, each of which must be full but the last."""
    found: list[int] = []
    after = None
    while True:
        page = await turn(size, after)
        assert page.has_previous == (after is not None)
        assert len(page.rows) == size or not page.has_next
        found += [row.id for row in page.rows]
        assert len(set(found)) == len(found), "a task came twice"
        if not page.has_next:
            return found
        after = cursor(page.rows[-1])


def by_due(row: TaskRow) -> str:
    return due_cursor(row.practice_id, row.due_on, row.id)


def by_id(row: TaskRow) -> str:
    return id_cursor(row.practice_id, row.id)


@pytest.mark.parametrize("size", [1, 3, 8, 9, 100])
async def test_paging_by_due_date_meets_each_task_once_and_in_order(
    size: int, office: Office
) -> None:
    tasks = await make_tasks(office)

    async def turn(first: int, after: str | None) -> Page[TaskRow]:
        return await tasks_page(office.staff, EVERY_STATUS, TaskOrder.DUE, first, after)

    expected = [task.id for task in sorted(tasks, key=lambda task: (task.due_on, task.id))]
    assert await walk(turn, by_due, size) == expected


@pytest.mark.parametrize("size", [1, 3, 8, 9, 100])
async def test_paging_from_the_newest_meets_each_task_once_and_in_order(
    size: int, office: Office
) -> None:
    tasks = await make_tasks(office)

    async def turn(first: int, after: str | None) -> Page[TaskRow]:
        return await tasks_page(office.staff, EVERY_STATUS, TaskOrder.CREATED, first, after)

    assert await walk(turn, by_id, size) == [task.id for task in reversed(tasks)]


@pytest.mark.parametrize("size", [1, 3])
async def test_the_lists_of_queues_are_the_pages_of_each_queue_alone(
    size: int, office: Office
) -> None:
    await make_tasks(office)
    both = [office.missed.id, office.recall.id]
    for queue_id in both:

        async def of_both(first: int, after: str | None, here: int = queue_id) -> Page[TaskRow]:
            pages = await tasks_of_queues(office.staff, both, TaskQuery(), first, after)
            return pages[here]

        async def alone(first: int, after: str | None, here: int = queue_id) -> Page[TaskRow]:
            query = TaskQuery(queue_ids=(here,))
            return await tasks_page(office.staff, query, TaskOrder.DUE, first, after)

        found = await walk(of_both, by_due, size)
        assert len(found) > 2
        assert found == await walk(alone, by_due, size)


@pytest.mark.parametrize("size", [1, 3])
async def test_the_lists_of_patients_hold_all_their_tasks_newest_first(
    size: int, office: Office
) -> None:
    tasks = await make_tasks(office)
    patients = [patient.id for patient in office.patients]
    for patient_id in patients:

        async def turn(first: int, after: str | None, here: int = patient_id) -> Page[TaskRow]:
            lists = await tasks_of_patients(office.staff, patients, EVERY_STATUS, first, after)
            return lists[here]

        expected = [task.id for task in reversed(tasks) if task.patient_id == patient_id]
        assert await walk(turn, by_id, size) == expected


async def test_a_list_shows_what_is_still_to_be_worked_unless_it_is_asked_for_more(
    office: Office,
) -> None:
    tasks = await make_tasks(office)
    of = {status: {t.id for t in tasks if t.status is status} for status in TaskStatus}
    assert all(of.values())

    assert (
        await listed(office.staff, TaskQuery()) == of[TaskStatus.OPEN] | of[TaskStatus.IN_PROGRESS]
    )
    assert await listed(office.staff, EVERY_STATUS) == {task.id for task in tasks}
    for status in TaskStatus:
        assert await listed(office.staff, TaskQuery(status=(status,))) == of[status]


async def test_a_list_of_no_status_at_all_is_empty(office: Office) -> None:
    await make_tasks(office)

    assert await listed(office.staff, TaskQuery(status=())) == set()


async def test_a_list_can_be_narrowed_by_queue_origin_and_due_date(office: Office) -> None:
    tasks = await make_tasks(office)
    automatic = await office.make_task(expires_at=office.clock() + timedelta(days=1))
    tasks.append(automatic)
    every = EVERY_STATUS

    found = await listed(office.staff, replace(every, queue_ids=(office.missed.id,)))
    assert found == {task.id for task in tasks if task.queue_id == office.missed.id}
    assert await listed(office.staff, replace(every, queue_ids=())) == set()
    assert await listed(office.staff, replace(every, origin=TaskOrigin.AUTOMATIC)) == {automatic.id}
    tomorrow = office.today + timedelta(days=1)
    found = await listed(office.staff, replace(every, due_by=tomorrow))
    assert found == {task.id for task in tasks if task.due_on <= tomorrow}
    assert len(found) < len(tasks)


async def test_queues_come_in_the_practices_own_order(office: Office) -> None:
    await type(office.recall).filter(id=office.recall.id).update(position=5)

    names = [queue.name for queue in await visible_queues(office.staff)]

    assert names == ["Missed appointments", "Overdue recall"]


@pytest.mark.parametrize("first", [-1, 501, 10**9])
async def test_a_page_of_an_impossible_size_is_refused(first: int, office: Office) -> None:
    recall, patient = office.recall.id, office.patients[0].id
    with pytest.raises(BadInput, match="first"):
        await tasks_page(office.staff, TaskQuery(), TaskOrder.DUE, first, None)
    with pytest.raises(BadInput, match="first"):
        await tasks_of_queues(office.staff, [recall], TaskQuery(), first, None)
    with pytest.raises(BadInput, match="first"):
        await tasks_of_patients(office.staff, [patient], EVERY_STATUS, first, None)


async def test_a_page_of_none_says_whether_there_is_more(office: Office) -> None:
    await make_tasks(office)

    page = await tasks_page(office.staff, TaskQuery(), TaskOrder.DUE, 0, None)

    assert (page.rows, page.has_next) == ([], True)


async def test_a_cursor_of_another_list_or_another_practice_is_refused(office: Office) -> None:
    here, today = office.practice.id, office.today
    due, newest, event = (
        due_cursor(here, today, 1),
        id_cursor(here, 1),
        event_cursor(here, Position(1)),
    )
    staff, query, recall = office.staff, TaskQuery(), [office.recall.id]

    for cursor in (newest, event, due_cursor(here + 1, today, 1), "", "nonsense"):
        with pytest.raises(BadInput, match="cursor"):
            await tasks_page(staff, query, TaskOrder.DUE, 5, cursor)
        with pytest.raises(BadInput, match="cursor"):
            await tasks_of_queues(staff, recall, query, 5, cursor)
    for cursor in (due, event, id_cursor(here + 1, 1), "", "nonsense"):
        with pytest.raises(BadInput, match="cursor"):
            await tasks_page(staff, query, TaskOrder.CREATED, 5, cursor)
        with pytest.raises(BadInput, match="cursor"):
            await tasks_of_patients(staff, [office.patients[0].id], EVERY_STATUS, 5, cursor)

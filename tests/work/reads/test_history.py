"""The read side of what has happened: contacts and events, and the people they name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gql_app.access import Viewer
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import due_cursor, event_cursor, id_cursor
from gql_app.work.reads.history import (
    contacts_by_id,
    contacts_of_tasks,
    events_page,
    staff_by_id,
)
from gql_app.work.reads.patients import patients_by_id
from models.chain import Position
from models.contact import Contact
from models.event import events_after
from tests.office import Office, make_office


def limited(office: Office) -> Viewer:
    return replace(office.staff, queue_ids=frozenset({office.missed.id}))


@pytest.mark.parametrize("size", [1, 3, 5, 100])
async def test_the_contacts_of_each_task_come_latest_first_and_each_once(
    size: int, office: Office
) -> None:
    tasks = [await office.make_task() for _ in range(2)]
    logged = [(await office.log(tasks[n % 3 % 2], notes=str(n))).contact for n in range(9)]
    both = [task.id for task in tasks]

    for task_id in both:
        found, after = [], None
        while True:
            page = (await contacts_of_tasks(office.staff, both, size, after))[task_id]
            found += page.rows
            assert len(set(found)) == len(found), "a contact came twice"
            assert page.has_previous == (after is not None)
            assert len(page.rows) == size or not page.has_next
            if not page.has_next:
                break
            after = id_cursor(office.practice.id, page.rows[-1].id)
        assert found == [c for c in reversed(logged) if c is not None and c.task_id == task_id]


async def test_a_task_nobody_has_called_for_has_an_empty_page(office: Office) -> None:
    task = await office.make_task()

    page = (await contacts_of_tasks(office.staff, [task.id], 5, None))[task.id]

    assert (page.rows, page.has_next, page.has_previous) == ([], False, False)


async def test_contacts_are_those_of_tasks_that_the_key_allows(office: Office) -> None:
    recall, missed = [await office.make_task(q) for q in (office.recall, office.missed)]
    for task in (recall, missed):
        await office.log(task)
    ids = [contact.id for contact in await Contact.all().order_by("id")]
    oak = await make_office("oak")

    assert sorted(row.id for row in await contacts_by_id(office.staff, ids)) == ids
    assert [row.task_id for row in await contacts_by_id(limited(office), ids)] == [missed.id]
    assert await contacts_by_id(oak.staff, ids) == []
    pages = await contacts_of_tasks(oak.staff, [recall.id, missed.id], 5, None)
    assert [page.rows for page in pages.values()] == [[], []]


async def test_the_contacts_of_a_task_in_a_hidden_queue_are_hidden_too(office: Office) -> None:
    task = await office.make_task(office.recall)
    await office.log(task)

    pages = await contacts_of_tasks(limited(office), [task.id], 5, None)

    assert pages[task.id].rows == []


async def test_a_limited_key_sees_the_patients_who_have_or_had_a_task_in_its_queues(
    office: Office,
) -> None:
    amber, birch, clover = office.patients
    await office.log(await office.make_task(office.missed, patient=birch), close=True)
    await office.make_task(office.recall, patient=clover)
    ids = [amber.id, birch.id, clover.id]
    oak = await make_office("oak")

    assert sorted(row.id for row in await patients_by_id(office.staff, ids)) == ids
    seen = await patients_by_id(limited(office), ids)
    assert [(row.id, row.practice_id, row.name) for row in seen] == [
        (birch.id, office.practice.id, "Birch Testwell")
    ]
    assert await patients_by_id(oak.staff, ids) == []


async def test_staff_are_those_of_the_viewers_practice(office: Office) -> None:
    oak = await make_office("oak")
    ids = [office.staff.staff_id, oak.staff.staff_id]

    assert await staff_by_id(office.staff, ids) == [(ids[0], office.practice.id, "Staff of maple")]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_paging_through_events_meets_each_once_and_in_order(
    size: int, office: Office
) -> None:
    task = await office.make_task()
    for _ in range(3):
        await office.log(task)
    await office.make_task(office.missed)
    await (await make_office("oak")).make_task()

    found, after = [], None
    while True:
        page = await events_page(office.staff, size, after, None)
        found += page.rows
        assert len(set(found)) == len(found), "an event came twice"
        assert len(page.rows) == size or not page.has_next
        if not page.has_next:
            break
        after = event_cursor(office.practice.id, Position(page.rows[-1].seq))

    assert [event.seq for event in found] == [1, 2, 3, 4, 5]
    assert found == await events_after(office.practice.id, Position(0), 100)


async def test_the_list_of_events_goes_on_from_where_it_ended(office: Office) -> None:
    await office.make_task()
    end = event_cursor(office.practice.id, Position(1))
    assert (await events_page(office.staff, 5, end, None)).rows == []

    await office.make_task()

    assert [event.seq for event in (await events_page(office.staff, 5, end, None)).rows] == [2]


async def test_events_are_those_of_the_queues_that_the_key_allows_and_the_client_asks_for(
    office: Office,
) -> None:
    for queue in (office.recall, office.missed, office.recall, office.missed):
        await office.make_task(queue)
    recall, missed = [office.recall.id], [office.missed.id]

    async def seqs(viewer: Viewer, queue_ids: list[int] | None) -> list[int]:
        page = await events_page(viewer, 100, None, queue_ids)
        return [event.seq for event in page.rows]

    assert await seqs(office.staff, missed) == [2, 4]
    assert await seqs(office.staff, []) == []
    assert await seqs(limited(office), None) == [2, 4]
    assert await seqs(limited(office), recall + missed) == [2, 4]
    assert await seqs(limited(office), recall) == []


@pytest.mark.parametrize("first", [-1, 501])
async def test_a_page_of_an_impossible_size_is_refused(first: int, office: Office) -> None:
    with pytest.raises(BadInput, match="first"):
        await events_page(office.staff, first, None, None)
    with pytest.raises(BadInput, match="first"):
        await contacts_of_tasks(office.staff, [1], first, None)


async def test_a_cursor_of_another_list_or_another_practice_is_refused(office: Office) -> None:
    here = office.practice.id
    due = due_cursor(here, office.today + timedelta(days=1), 1)
    for cursor in (due, id_cursor(here, 1), event_cursor(here + 1, Position(1)), "", "nonsense"):
        with pytest.raises(BadInput, match="cursor"):
            await events_page(office.staff, 5, cursor, None)
    for cursor in (due, event_cursor(here, Position(1)), id_cursor(here + 1, 1), "", "nonsense"):
        with pytest.raises(BadInput, match="cursor"):
            await contacts_of_tasks(office.staff, [1], 5, cursor)

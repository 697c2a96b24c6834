"""A key sees the lists of its own practice, of its own queues, and no others."""

from dataclasses import replace

from gql_app.work.reads.queues import (
    tasks_by_id,
    tasks_of_patients,
    tasks_of_queues,
    visible_queues,
)
from tests.office import Office, make_office
from tests.work.worklists import EVERY_STATUS, listed, make_tasks


async def test_a_key_limited_to_a_queue_sees_only_its_tasks_whatever_it_asks_for(
    office: Office,
) -> None:
    tasks = await make_tasks(office)
    here = {task.id for task in tasks if task.queue_id == office.missed.id}
    viewer = replace(office.staff, queue_ids=frozenset({office.missed.id}))
    both = (office.recall.id, office.missed.id)

    assert await listed(viewer, EVERY_STATUS) == here
    assert await listed(viewer, replace(EVERY_STATUS, queue_ids=both)) == here
    assert await listed(viewer, replace(EVERY_STATUS, queue_ids=(office.recall.id,))) == set()
    pages = await tasks_of_queues(viewer, both, EVERY_STATUS, 100, None)
    assert pages[office.recall.id].rows == []
    assert {row.id for row in pages[office.missed.id].rows} == here
    patients = [patient.id for patient in office.patients]
    lists = await tasks_of_patients(viewer, patients, EVERY_STATUS, 100, None)
    assert {row.id for page in lists.values() for row in page.rows} == here
    assert {row.id for row in await tasks_by_id(viewer, [t.id for t in tasks])} == here
    assert [queue.id for queue in await visible_queues(viewer)] == [office.missed.id]
    assert [queue.id for queue in await visible_queues(viewer, both)] == [office.missed.id]
    nothing = replace(office.staff, queue_ids=frozenset())
    assert await listed(nothing, EVERY_STATUS) == set()
    assert await visible_queues(nothing) == []


async def test_a_practice_sees_nothing_of_another(office: Office) -> None:
    tasks = await make_tasks(office)
    oak = await make_office("oak")
    asked = [task.id for task in tasks]

    assert await listed(oak.staff, EVERY_STATUS) == set()
    assert await listed(oak.staff, replace(EVERY_STATUS, queue_ids=(office.recall.id,))) == set()
    assert await tasks_by_id(oak.staff, asked) == []
    assert await visible_queues(oak.staff, [office.recall.id]) == []
    pages = await tasks_of_queues(oak.staff, [office.recall.id], EVERY_STATUS, 9, None)
    assert pages[office.recall.id].rows == []
    lists = await tasks_of_patients(oak.staff, [office.patients[0].id], EVERY_STATUS, 9, None)
    assert lists[office.patients[0].id].rows == []

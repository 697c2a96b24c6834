"""Who holds claims in a queue."""

from dataclasses import replace
from typing import Any

from gql_app.work.reads.at_work import staff_at_work
from tests.office import Office, make_office
from tests.support.claims import Claims
from tests.work.agents import claims_of


async def at_work(office: Office, **viewer: Any) -> list[list[tuple[int, int]]]:
    """For each of the office's two queues, who holds how many of its tasks."""
    found = await staff_at_work(
        replace(office.staff, **viewer),
        [office.recall.id, office.missed.id],
        office.clock(),
    )
    assert [row.queue_id for row in found] == [office.recall.id, office.missed.id]
    return [[(row.staff_id, row.tasks) for row in queue.staff] for queue in found]


async def test_a_claim_shows_in_every_queue_that_has_a_task_of_the_patient(office: Office) -> None:
    mine = await office.make_task()
    await office.make_task()
    await office.make_task(office.missed)
    theirs = await office.make_task(patient=office.patients[1])
    await office.make_task(patient=office.patients[2])
    claims = claims_of(office)
    await claims.claim(office.supervisor, theirs.id)
    await claims.claim(office.staff, mine.id)

    staff, supervisor = office.staff.staff_id, office.supervisor.staff_id
    assert await at_work(office) == [[(staff, 2), (supervisor, 1)], [(staff, 1)]]

    await claims.release(office.staff, mine.id)
    assert await at_work(office) == [[(supervisor, 1)], []]


async def test_a_claim_counts_until_the_last_one_ends(office: Office) -> None:
    claims = claims_of(office)
    for patient in office.patients[:2]:
        task = await office.make_task(patient=patient)
        await claims.claim(office.staff, task.id)
        office.clock.advance(minutes=4)

    [recall] = await staff_at_work(office.staff, [office.recall.id], office.clock())
    assert [(row.tasks, (row.until - office.clock()).seconds) for row in recall.staff] == [(2, 360)]
    office.clock.advance(minutes=2)
    assert await at_work(office) == [[(office.staff.staff_id, 1)], []]
    office.clock.advance(minutes=4)
    assert await at_work(office) == [[], []]


async def test_a_key_is_told_of_its_own_queues_and_practice_alone(office: Office) -> None:
    oak = await make_office("oak")
    for place in (office, oak):
        for queue, patient in ((place.recall, 0), (place.missed, 1)):
            task = await place.make_task(queue, patient=place.patients[patient])
            await Claims(place.changes).claim(place.staff, task.id)

    staff = office.staff.staff_id
    assert await at_work(office) == [[(staff, 1)], [(staff, 1)]]
    assert await at_work(office, queue_ids=frozenset({office.missed.id})) == [[], [(staff, 1)]]
    assert await at_work(office, practice_id=oak.practice.id) == [[], []]


async def test_a_partner_is_not_told_who_is_at_work(office: Office) -> None:
    await claims_of(office).claim(office.staff, (await office.make_task()).id)

    assert await at_work(office, role=office.supervisor.role) != [[], []]
    assert await at_work(office, role=office.partner.role) == [[], []]

"""Many agents and patients of one office, and what must be true of claims whatever they do."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from gql_app.access import Viewer, authenticate
from models.chain import Position
from models.contact_status import Standing
from models.event import EventRow, TaskEventKind, events_after
from models.people import Patient
from models.practice import Practice
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.support.access import create_key
from tests.support.claims import Claims

Held = tuple[int | None, datetime | None]
FREE: Held = (None, None)


def claims_of(office: Office, **lease: float) -> Claims:
    """The office's claims; they last ten minutes, or `lease`."""
    if not lease:
        return Claims(office.changes)
    return Claims(office.changes, timedelta(**lease))


async def make_agents(office: Office, number: int) -> list[Viewer]:
    """Viewers of so many people, each with a key of their own."""
    keys = [
        await create_key(office.practice, Role.STAFF, f"Agent {place}") for place in range(number)
    ]
    return [await authenticate(key) for key in keys]


async def make_patients(office: Office, number: int) -> list[Patient]:
    return [
        await Patient.create(
            practice_id=office.practice.id,
            name=f"Patient {place}",
            phone="555-0100",
            created_at=office.clock(),
        )
        for place in range(number)
    ]


async def claim_on(task: Task) -> Held:
    """Who holds the task, and until when, by its row."""
    await task.refresh_from_db()
    return task.claimed_by_id, task.claimed_until


async def all_events(office: Office) -> list[EventRow]:
    return await events_after(office.practice.id, Position(0), 100_000)


async def assert_consistent(office: Office) -> None:
    """One claim a patient, numbers without holes, and events that tell all that the rows say."""
    tasks = await Task.filter(practice_id=office.practice.id)
    held: dict[int, set[object]] = defaultdict(set)
    for task in tasks:
        if task.status.is_open:
            held[task.patient_id].add((task.claimed_by_id, task.claimed_until, task.claim_id))
        else:
            assert (task.claimed_by_id, task.claimed_until) == FREE, "a closed task is claimed"
            assert task.claim_id is None
    assert {patient: claims for patient, claims in held.items() if len(claims) > 1} == {}
    await assert_households_are_whole(office, tasks)
    for patient in await Patient.filter(id__in=list(held)):
        standing = Standing(patient.contact_status, ends_at=patient.contact_status_ends_at)
        assert not standing.at(office.clock()).is_barred, "who is not to be called has a task"

    events = await all_events(office)
    await office.practice.refresh_from_db()
    assert [event.seq for event in events] == list(range(1, office.practice.seq + 1))
    for task in tasks:
        of_task = [event for event in events if event.task_id == task.id]
        assert [event.version for event in of_task] == list(range(1, task.version + 1))
        told = of_task[-1].task
        assert (told.claimed_by_id, told.claimed_until, told.claim_id) == (
            task.claimed_by_id,
            task.claimed_until,
            task.claim_id,
        )
    for event in events:  # those of one change follow each other
        assert event.change in (event.seq, events[event.seq - 2].change)
    assert (await Practice.get(id=office.practice.id)).seq == len(events)


async def assert_households_are_whole(office: Office, tasks: Sequence[Task]) -> None:
    """No guarantor has one, none is gone, and a household is under one claim."""
    patients = {row.id: row for row in await Patient.filter(practice_id=office.practice.id)}
    guarantors = {row.guarantor_id for row in patients.values() if row.guarantor_id is not None}
    for guarantor in guarantors:
        row = patients[guarantor]
        assert (row.guarantor_id, row.merged_into_id, row.taken_back_at) == (None, None, None)
    held: dict[int, set[object]] = defaultdict(set)
    for task in tasks:
        if task.status.is_open:
            is_held = task.claimed_until is not None and task.claimed_until > office.clock()
            claim = (task.claimed_by_id, task.claim_id) if is_held else None
            held[patients[task.patient_id].guarantor_id or task.patient_id].add(claim)
    assert {head: claims for head, claims in held.items() if len(claims) > 1} == {}


def assert_nobody_acted_on_anothers_claim(events: list[EventRow]) -> None:
    """By the events alone: who held each task when somebody claimed, logged or released."""
    before: dict[int, Held] = defaultdict(lambda: FREE)
    for event in events:
        holder, until = before[event.task_id]
        alive = until is not None and until > event.at
        if event.kind in (TaskEventKind.CLAIMED, TaskEventKind.CONTACT_LOGGED):
            assert not alive or event.actor_id == holder, event
        if event.kind is TaskEventKind.RELEASED:
            assert holder is not None, f"nobody held it: {event}"
            assert not alive or event.actor_id == holder, event
        before[event.task_id] = (event.claimed_by_id, event.claimed_until)

"""A practice with one queue that a limited key sees and one that it does not: in each row behind
that queue stands a canary, which no answer may show and nothing may change."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tortoise.expressions import Q

from gql_app.access import SESSION, Viewer, authenticate
from gql_app.schema.ids import global_id
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.households import set_guarantor
from gql_app.work.merging import merge_patients
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.patients import index_patients
from models.access import AccessKey
from models.appointment import Appointment, AppointmentClosing
from models.contact import Contact, ContactUndo
from models.event import TaskEvent, TaskEventKind
from models.importing import ImportJob, ImportRecord, ImportState
from models.merge import PatientMerge
from models.passkey import Passkey
from models.people import Patient, PatientWord, Staff
from models.practice import Practice, Queue
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office, task_id
from tests.support.access import create_key, invite, sign_in
from tests.work.agents import claims_of

SOURCE = "pms"
NUMBER = "+12175559876"
CANARIES = ("canary", NUMBER[-7:])
"""What stands in hidden rows, in small letters, and nowhere else."""

CLAIMS = (TaskEventKind.CLAIMED, TaskEventKind.RELEASED)
CLAIM = {"claimed_by_id", "claimed_until", "claim_id", "version"}
"""What a claim changes on all open tasks of its patient: also in queues that its holder does not
see, so that nobody calls the patient meanwhile."""


class Named(NamedTuple):
    """What a client may name, hidden or not: global ids, and texts that are unique."""

    task: str
    claimed: str
    moved: str
    queue: str
    patient: str
    newcomer: str
    contact: str
    staff: str
    log_key: str
    creation_key: str
    booking: str
    appointment: str
    session: str
    passkey: str
    access_key: str
    import_: str
    merge: str
    called: str
    task_called: str


NOTHING = Named(
    task=global_id("Task", 999_999),
    claimed=global_id("Task", 999_998),
    moved=global_id("Task", 999_997),
    queue=global_id("Queue", 999_999),
    patient=global_id("Patient", 999_999),
    newcomer=global_id("Patient", 999_998),
    contact=global_id("Contact", 999_999),
    staff=global_id("Staff", 999_999),
    log_key="unused log",
    creation_key="unused creation",
    booking="unused booking",
    appointment=global_id("Appointment", 999_999),
    session=global_id("Session", 999_999),
    passkey=global_id("Passkey", 999_999),
    access_key=global_id("Key", 999_999),
    import_=global_id("ImportJob", 999_999),
    merge=global_id("PatientMerge", 999_999),
    called="unused patient",
    task_called="unused task",
)
"""What is not there at all."""


@dataclass
class World:
    """A practice as a limited key `key` is to see it: `recall` is its queue, `missed` is hidden.
    The first patient has tasks in both, one of them moved there, the second and the fourth have
    tasks in the hidden one, the third has none. The `relative` is in the first one's household."""

    office: Office
    key: str
    viewer: Viewer
    seen: Task
    named: Named
    relative: int = 0

    async def hidden_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every column of every row that the key may not change, but for the claim of the patient
        whom it sees, and of that patient's household."""
        here, office = self.office.practice.id, self.office
        shared, *patients = (patient.id for patient in office.patients)
        hidden = Q(queue_id=office.missed.id) | Q(patient_id__in=patients)
        tasks = await Task.filter(hidden, practice_id=here).values()
        household = {shared, self.relative}
        of_shared = {task["id"] for task in tasks if task["patient_id"] in household}
        of_tasks = {"practice_id": here, "task_id__in": [task["id"] for task in tasks]}
        of_patients = {"practice_id": here, "patient_id__in": patients}
        rows = {
            "task": [
                {k: v for k, v in task.items() if task["id"] not in of_shared or k not in CLAIM}
                for task in tasks
            ],
            "event": [
                event
                for event in await TaskEvent.filter(**of_tasks).values()
                if event["task_id"] not in of_shared or event["kind"] not in CLAIMS
            ],
            "contact": await Contact.filter(**of_tasks).values(),
            "undo": await ContactUndo.filter(practice_id=here).values(),
            "patient": await Patient.filter(practice_id=here, id__in=patients).values(),
            "word": await PatientWord.filter(**of_patients).values(),
            "appointment": await Appointment.filter(**of_patients).values(),
            "closing": await AppointmentClosing.filter(**of_tasks).values(),
            "merge": await PatientMerge.filter(practice_id=here).values(),
            "queue": await Queue.filter(practice_id=here).values(),
            "staff": await Staff.filter(practice_id=here).values(),
            "key": await keys_of(here),
            "passkey": await Passkey.filter(practice_id=here).values(),
            "import": await ImportJob.filter(practice_id=here).values(),
            "record": await ImportRecord.filter(practice_id=here).values(),
        }
        return {name: sorted(of, key=lambda row: row["id"]) for name, of in rows.items()}

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of the practice."""
        here = self.office.practice.id
        of_people = (Patient, PatientWord, Staff, Passkey)
        tables = (
            Task,
            TaskEvent,
            Contact,
            ContactUndo,
            Appointment,
            AppointmentClosing,
            Queue,
            PatientMerge,
            *of_people,
        )
        of_practice = {t.__name__: t.filter(practice_id=here) for t in tables}
        rows = {name: await of.order_by("id").values() for name, of in of_practice.items()}
        rows["AccessKey"] = await keys_of(here)
        return rows | {"Practice": [await practice_row(here)]}


async def practice_row(practice_id: int) -> dict[str, Any]:
    """The practice's row, but for the counter of its audit: what was read is told a while later."""
    (row,) = await Practice.filter(id=practice_id).values()
    return {k: v for k, v in row.items() if not k.startswith("audit_")}


async def keys_of(practice_id: int) -> list[dict[str, Any]]:
    """The practice's keys, but for when each was last used: that is noted a while later."""
    keys = await AccessKey.filter(practice_id=practice_id).order_by("id").values()
    return [{k: v for k, v in key.items() if k != "last_used_at"} for key in keys]


async def make_world(slug: str, role: Role, *, may_create_tasks: bool) -> World:
    office = await make_office(slug)
    await _hang_canaries(office)
    here, missed = office.practice, office.missed
    key = await create_key(
        here, role, "Desk", queue_ids=[office.recall.id], may_create_tasks=may_create_tasks
    )
    elsewhere = await create_key(here, Role.STAFF, "Canary Staff", queue_ids=[missed.id])
    hidden_staff = await authenticate(elsewhere)
    await invite(office.changes, here, "Canary Staff", queue_ids=[missed.id])
    shared, hidden_patient, newcomer = office.patients
    relative = await _relative(office, shared)
    soon = office.clock() + timedelta(days=9)
    appointment = await _book(office, hidden_patient)
    seen = await office.make_task(expires_at=soon, patient=shared)
    other = await office.make_task(
        missed, expires_at=soon, patient=shared, reason="Canary, as well"
    )
    moved = await office.make_task(patient=shared, reason="Has left")
    hidden, withdrawn, claimed = [
        await office.make_task(missed, patient=patient, reason="Canary reason", **given)
        for patient, given in (
            (hidden_patient, {"expires_at": soon, "idempotency_key": f"creation {slug}"}),
            (hidden_patient, {}),
            (await _another(office), {}),
        )
    ]
    for task, external_id in ((hidden, "hidden task"), (other, "other task")):
        await Task.filter(id=task.id).update(source=SOURCE, external_id=external_id)
    await Patient.filter(id=shared.id).update(source=SOURCE, external_id="shared patient")
    logged = await office.log(hidden, notes="Canary notes", idempotency_key=f"log {slug}")
    assert logged.contact is not None
    changes, supervisor = office.changes, office.supervisor
    await withdraw_tasks(changes, supervisor, [withdrawn.id], reason="Canary withdrawn")
    to_staff = hidden_staff.staff_id
    await reassign_tasks(changes, supervisor, [hidden.id], to_staff_id=to_staff)
    await reassign_tasks(changes, supervisor, [moved.id], to_queue_id=missed.id)
    await office.log(moved, notes="Canary notes after it has left")
    assert not (await claims_of(office).claim(hidden_staff, claimed.id)).refusals
    named = Named(
        task=task_id(hidden),
        claimed=task_id(claimed),
        moved=task_id(moved),
        queue=global_id("Queue", missed.id),
        patient=global_id("Patient", hidden_patient.id),
        newcomer=global_id("Patient", newcomer.id),
        contact=global_id("Contact", logged.contact.id),
        staff=global_id("Staff", to_staff),
        log_key=f"log {slug}",
        creation_key=f"creation {slug}",
        booking="Canary booking",
        appointment=global_id("Appointment", appointment),
        session=global_id("Session", await _sign_in(elsewhere)),
        passkey=global_id("Passkey", await _make_passkey(office, to_staff)),
        access_key=global_id("Key", hidden_staff.key_id),
        import_=global_id("ImportJob", await _make_import(office, to_staff)),
        merge=global_id("PatientMerge", await _merge(office)),
        called="hidden patient 0",
        task_called="hidden task",
    )
    viewer = await authenticate(key)
    return World(office, key, viewer, seen, named, relative)


async def _sign_in(key: str) -> int:
    """The number of a session of somebody else."""
    return (await authenticate((await sign_in(key)).token, SESSION)).key_id


async def _make_passkey(office: Office, staff_id: int) -> int:
    """The number of a passkey of somebody else."""
    made = await Passkey.create(
        practice_id=office.practice.id,
        staff_id=staff_id,
        credential_id="canary",
        public_key=b"",
        sign_count=0,
        label="Canary device",
        created_at=office.clock(),
    )
    return int(made.id)


async def _make_import(office: Office, staff_id: int) -> int:
    """The number of an import into the hidden queue, with a row that was rejected."""
    made = await ImportJob.create(
        practice_id=office.practice.id,
        state=ImportState.DONE,
        staff_id=staff_id,
        queue_id=office.missed.id,
        source=SOURCE,
        file_name="Canary file.csv",
        names='["Name"]',
        matching='{"name": "Name"}',
        total=1,
        rejected=1,
        created_at=office.clock(),
        started_at=office.clock(),
        finished_at=office.clock(),
    )
    await ImportRecord.create(
        practice_id=office.practice.id,
        job_id=made.id,
        line=2,
        cells='["Canary Row"]',
        refusals='[["PHONE_INVALID", "Canary", "phone"]]',
    )
    return int(made.id)


async def _merge(office: Office) -> int:
    """The number of a merge of two hidden patients."""
    survivor, merged = [await _another(office) for _ in range(2)]
    result = await office.changes.make(office.supervisor, merge_patients, survivor.id, merged.id)
    assert result.merge is not None
    return result.merge.id


async def _hang_canaries(office: Office) -> None:
    for queue in (office.recall, office.missed):
        queue.closes_on_appointment = True
    office.missed.name = "Canary queue"
    for queue in (office.recall, office.missed):
        await queue.save()
    for number, patient in enumerate(office.patients[1:]):
        patient.name, patient.phone = f"Canary Patient {number}", NUMBER
        patient.source, patient.external_id = SOURCE, f"hidden patient {number}"
        await patient.save()
    await index_patients(office.practice.id, office.patients)


async def _another(office: Office) -> Patient:
    """One more hidden patient, to be claimed."""
    patient = await Patient.create(
        practice_id=office.practice.id,
        name="Canary Claimed",
        phone=NUMBER,
        created_at=office.clock(),
    )
    # As every patient is who comes in: the server would mend it, in the middle of the test.
    await index_patients(office.practice.id, [patient])
    office.patients.append(patient)
    return patient


async def _relative(office: Office, shared: Patient) -> int:
    """The number of a hidden patient who answers for the one whom the key sees. A claim on one of
    the two is for both, and waits for both."""
    patient = await _another(office)
    office.patients.remove(patient)
    await office.make_task(office.missed, patient=patient, reason="Canary, of a relative")
    await office.changes.make(office.supervisor, set_guarantor, shared.id, patient.id)
    return int(patient.id)


async def _book(office: Office, patient: Patient) -> int:
    """The number of an appointment that keeps no tasks away: it was three days ago."""
    at: datetime = office.clock() - timedelta(days=3)
    new = NewAppointment(patient.id, at, "Canary booking", "Canary kind")
    recorded = await office.changes.make(office.partner, record_appointment, new)
    assert recorded.appointment is not None
    return recorded.appointment.id

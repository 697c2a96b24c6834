"""Two patients who are one: what goes over, what goes on to answer, and the way back."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from gql_app.access import Forbidden
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.contact_status import NewStatus, set_contact_status
from gql_app.work.merging import MergeResult, merge_patients
from gql_app.work.reads.external_ids import ExternalId, external_ids_of_patients
from gql_app.work.reads.history import contacts_of_patients
from gql_app.work.reads.patients import merged_patients, patient_now, patients_by_id
from gql_app.work.reopening import reopen_task
from gql_app.work.undoing import undo_contact
from gql_app.work.unmerging import UnmergeResult, unmerge_patients
from gql_app.work.upkeep.indexing import index_all
from models.appointment import Appointment
from models.audit import Audit
from models.contact import Contact
from models.contact_status import ContactStatus, Standing
from models.event import TaskEvent, TaskEventKind
from models.merge import PatientMerge
from models.people import Patient, PatientWord
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office, make_office
from tests.work.agents import assert_consistent, claims_of
from tests.work.imports.test_run import ALREADY_OPEN, CREATED, UNCHANGED, take
from tests.work.test_patient_edits import PHONE, codes, found, make, update
from tests.work.test_patients_seen import create, desk_of

TABLES = (Patient, PatientWord, Task, Appointment)


async def merge(office: Office, survivor: int, merged: int, **how: Any) -> MergeResult:
    viewer = how.pop("viewer", office.supervisor)
    return await office.changes.make(viewer, merge_patients, survivor, merged, **how)


async def undo(office: Office, merge_id: int, **how: Any) -> UnmergeResult:
    viewer = how.pop("viewer", office.supervisor)
    return await office.changes.make(viewer, unmerge_patients, merge_id, **how)


async def book(office: Office, patient_id: int, external_id: str = "b1") -> Any:
    new = NewAppointment(patient_id, office.clock() + timedelta(days=3), external_id)
    return await office.changes.make(office.partner, record_appointment, new)


async def rows(office: Office) -> dict[str, list[dict[str, Any]]]:
    """What patients, tasks and appointments are, but for versions and the order of words."""
    ignored = {"version"}
    found_rows = {}
    for table in TABLES:
        values = await table.filter(practice_id=office.practice.id).values()
        if table is PatientWord:
            values = [{"of": v["patient_id"], "word": v["word"]} for v in values]
        found_rows[table.__name__] = sorted(
            ({k: v for k, v in value.items() if k not in ignored} for value in values), key=str
        )
    return found_rows


class Couple:
    """Amber, and Birch who is the same person: a closed and an open task each, and a contact."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.amber, self.birch = office.patients[0].id, office.patients[1].id
        self.tasks: list[Task] = []

    async def begin(self) -> None:
        office = self.office
        await update(office, self.amber, external_id=ExternalId("pms", "a"))
        await update(office, self.birch, external_id=ExternalId("pms", "b"), phone=PHONE)
        for patient in office.patients[:2]:
            closed = await office.make_task(patient=patient, reason=f"Closed of {patient.name}")
            await office.log(closed, notes=f"of {patient.name}", close=True)
            self.tasks += [closed, await office.make_task(office.missed, patient=patient)]
        await book(office, self.birch)

    async def merge(self, **how: Any) -> int:
        result = await merge(self.office, self.amber, self.birch, **how)
        assert result.refusals == ()
        assert result.merge is not None
        return result.merge.id


@pytest.fixture
async def couple(office: Office) -> Couple:
    couple = Couple(office)
    await couple.begin()
    return couple


async def test_all_that_is_known_goes_with_the_survivor(couple: Couple) -> None:
    office = couple.office
    planned = await merge(office, couple.amber, couple.birch, dry_run=True)
    assert (planned.tasks, planned.open_tasks, planned.contacts) == (2, 1, 1)
    assert (planned.appointments, planned.merge) == (1, None)
    assert await PatientMerge.all().count() == 0
    before = await TaskEvent.all().count()
    await couple.merge()
    assert {task.patient_id for task in await Task.all()} == {couple.amber}
    assert {a.patient_id for a in await Appointment.all()} == {couple.amber}
    (page,) = (await contacts_of_patients(office.staff, [couple.amber], 10, None)).values()
    assert [c.notes for c in page.rows] == ["of Birch Testwell", "of Amber Testwell"]
    survivor = await patient_now(office.practice.id, couple.amber)
    assert survivor is not None
    assert [phone.display for phone in survivor.phones] == ["555-0100", "(217) 555-0123"]
    for typed in ("birch", "amber", "0123", "0100"):
        assert "Amber Testwell" in await found(office.staff, typed), typed
        assert "Birch Testwell" not in await found(office.staff, typed), typed
    # Its own open task is told of, and all that went over, which are other rows now.
    events = await TaskEvent.filter(kind=TaskEventKind.PATIENT_CHANGED, seq__gt=before)
    assert {event.task_id for event in events} == {task.id for task in couple.tasks[1:]}
    for patient in (couple.amber, couple.birch):
        assert await Audit.filter(patient_id=patient, detail="patients merged").count() == 1
    await assert_consistent(office)


async def test_ids_that_others_hold_go_on_to_answer(couple: Couple) -> None:
    office = couple.office
    await couple.merge()
    assert await patients_by_id(office.staff, [couple.birch]) == []
    (gone,) = await merged_patients(office.staff, [couple.birch])
    assert (gone.id, gone.survivor.id) == (couple.birch, couple.amber)
    for external_id in ("a", "b"):
        called = ExternalId("pms", external_id)
        assert await found(office.staff, external_id=called) == {"Amber Testwell"}
    (ids,) = await external_ids_of_patients(office.staff, [couple.amber])
    assert [called.id for called in ids.ids] == ["a", "b"]
    made = await create(office, office.supervisor, couple.birch, idempotency_key="k")
    assert made.task.patient_id == couple.amber
    assert await create(office, office.supervisor, couple.birch, idempotency_key="k") == made
    assert (await book(office, couple.birch)).appointment.patient_id == couple.amber
    assert (await book(office, couple.amber)).appointment.patient_id == couple.amber
    changed = (await update(office, couple.birch, name="New Name")).patient
    assert changed is not None
    assert changed.id == couple.amber
    assert codes(await make(office, external_id=ExternalId("pms", "b"))) == [
        ("EXTERNAL_ID_TAKEN", "externalId")
    ]


async def test_an_import_knows_both_by_their_ids_and_the_survivors_name_stays(
    couple: Couple,
) -> None:
    office = couple.office
    await couple.merge()
    both = [
        row("t1", patient_external_id="b", name="Birch Testwell"),
        row("t2", patient_external_id="a", name="Amber Testwell", phone="555 0100 0000"),
    ]
    assert await take(office, both[0], source="pms") == [CREATED]
    task = await Task.get(external_id="t1")
    assert task.patient_id == couple.amber
    amber = await Patient.get(id=couple.amber)
    assert (amber.name, amber.phone) == ("Amber Testwell", "555-0100")
    assert await take(office, both[0], source="pms") == [UNCHANGED]
    other = replace_row(both[1], phone="(217) 555-0199")
    assert await take(office, both[0], other, source="pms") == [UNCHANGED, ALREADY_OPEN]
    amber = await Patient.get(id=couple.amber)
    assert (amber.name, amber.phone) == ("Amber Testwell", "+12175550199")
    assert await found(office.staff, "birch") == {"Amber Testwell"}


def replace_row(given: Any, **changes: str) -> Any:
    return given._replace(**changes)


async def test_a_limited_key_that_saw_the_one_sees_the_survivor(couple: Couple) -> None:
    office = couple.office
    desk = desk_of(office)
    await office.make_task(patient=office.patients[1])
    await couple.merge()
    (gone,) = await merged_patients(desk, [couple.birch])
    assert gone.survivor.id == couple.amber
    nobody = replace(desk, queue_ids=frozenset())
    assert await merged_patients(nobody, [couple.birch]) == []


async def test_an_undone_merge_leaves_all_as_it_was(couple: Couple) -> None:
    office = couple.office
    before = await rows(office)
    merge_id = await couple.merge()
    undone = await undo(office, merge_id)
    assert undone.refusals == ()
    assert undone.restored is not None
    assert undone.restored.name == "Birch Testwell"
    assert await rows(office) == before
    assert await found(office.staff, "birch") == {"Birch Testwell"}
    assert await merged_patients(office.staff, [couple.birch]) == []
    assert codes(await undo(office, merge_id)) == [("ALREADY_UNDONE", "mergeId")]
    assert codes(await undo(office, 10**6)) == [("NOT_FOUND", "mergeId")]
    await assert_consistent(office)
    assert await couple.merge() != merge_id


async def test_merges_of_merges_are_undone_from_the_last(couple: Couple) -> None:
    office = couple.office
    clover = office.patients[2].id
    before = await rows(office)
    first = await couple.merge()
    between = await rows(office)
    second = (await merge(office, clover, couple.amber)).merge
    assert second is not None
    survivors = await merged_patients(office.staff, [couple.amber, couple.birch])
    assert {gone.survivor.id for gone in survivors} == {clover}
    assert await found(office.staff, "birch") == {"Clover Testwell"}
    assert codes(await undo(office, first)) == [("ALREADY_MERGED", "mergeId")]
    assert codes(await undo(office, second.id)) == []
    assert await rows(office) == between
    assert codes(await undo(office, first)) == [("CHANGED_SINCE_MERGE", "mergeId")]
    assert codes(await undo(office, first, keep_later_changes=True)) == []
    assert await rows(office) == before


async def test_what_was_done_since_is_told_before_it_is_divided(couple: Couple) -> None:
    office = couple.office
    merge_id = await couple.merge()
    office.clock.advance(minutes=1)
    await office.log(couple.tasks[3], notes="since")
    new = await office.make_task(patient=office.patients[0], reason="Since")
    await book(office, couple.amber, "b2")
    await update(office, couple.amber, name="Amber Since")
    before = await rows(office)
    refused = await undo(office, merge_id)
    assert codes(refused) == [("CHANGED_SINCE_MERGE", "mergeId")]
    for told in ("contacts: 1", "new tasks: 1", "new appointments: 1", "another name"):
        assert told in refused.refusals[0].message
    assert await rows(office) == before
    assert codes(await undo(office, merge_id, keep_later_changes=True)) == []
    assert (await Task.get(id=couple.tasks[3].id)).patient_id == couple.birch
    assert (await Task.get(id=new.id)).patient_id == couple.amber
    assert (await Appointment.get(external_id="b2")).patient_id == couple.amber
    assert (await Appointment.get(external_id="b1")).patient_id == couple.birch
    pages = await contacts_of_patients(office.staff, [couple.birch], 10, None)
    assert "since" in [c.notes for c in pages[couple.birch].rows]
    await assert_consistent(office)


async def test_what_was_taken_back_since_is_told_as_well(couple: Couple) -> None:
    office = couple.office
    (contact,) = await Contact.filter(task_id=couple.tasks[2].id)
    merge_id = await couple.merge()
    office.clock.advance(minutes=1)
    await office.log(couple.tasks[3], notes="since")
    undone = await office.changes.make(office.staff, undo_contact, contact.id)
    assert codes(undone) == []
    (refusal,) = (await undo(office, merge_id)).refusals
    assert "contacts: 1, undone contacts: 1, reopened tasks: 1." in refusal.message
    assert codes(await undo(office, merge_id, keep_later_changes=True)) == []
    open_tasks = await Task.filter(patient_id=couple.birch, status__not="CLOSED")
    assert {task.id for task in open_tasks} == {task.id for task in couple.tasks[2:]}
    await assert_consistent(office)


async def test_who_cannot_be_merged(couple: Couple) -> None:
    office, clover = couple.office, couple.office.patients[2].id
    oak = await make_office("oak")
    foreign = oak.patients[0].id
    assert codes(await merge(office, clover, clover)) == [("SAME_PATIENT", "mergedId")]
    assert codes(await merge(office, clover, foreign)) == [("NOT_FOUND", "mergedId")]
    assert codes(await merge(office, foreign, clover)) == [("NOT_FOUND", "survivorId")]
    both = [("NOT_FOUND", "survivorId"), ("NOT_FOUND", "mergedId")]
    assert codes(await merge(office, foreign, foreign)) == both
    merge_id = await couple.merge()
    before = await rows(office)
    for survivor in (couple.amber, clover):
        refused = await merge(office, survivor, couple.birch)
        assert codes(refused) == [("ALREADY_MERGED", "mergedId")]
    refused = await merge(office, couple.birch, clover)
    assert codes(refused) == [("ALREADY_MERGED", "survivorId")]
    assert codes(await undo(oak, merge_id)) == [("NOT_FOUND", "mergeId")]
    assert await rows(office) == before


async def test_nobody_merges_a_patient_whom_somebody_else_is_calling(couple: Couple) -> None:
    office, claims = couple.office, claims_of(couple.office)
    await claims.claim(office.staff, couple.tasks[3].id)
    assert codes(await merge(office, couple.amber, couple.birch)) == [("CLAIMED_BY_OTHER", None)]
    await claims.release(office.staff, couple.tasks[3].id)
    await claims.claim(office.supervisor, couple.tasks[3].id)
    merge_id = await couple.merge()
    held = await Task.filter(claimed_by_id=office.supervisor.staff_id)
    assert {task.id for task in held} == {couple.tasks[1].id, couple.tasks[3].id}
    assert len({task.claim_id for task in held}) == 1
    other = await undo(office, merge_id, viewer=office.admin)
    assert codes(other) == [("CLAIMED_BY_OTHER", None)]
    assert codes(await undo(office, merge_id)) == []
    (still_held,) = await Task.filter(claimed_by_id=office.supervisor.staff_id)
    assert still_held.id == couple.tasks[1].id
    await assert_consistent(office)


async def test_only_supervisors_with_a_key_for_all_queues_merge(couple: Couple) -> None:
    for viewer in (couple.office.staff, couple.office.partner, desk_of(couple.office)):
        with pytest.raises(Forbidden):
            await couple.merge(viewer=viewer)
        with pytest.raises(Forbidden):
            await undo(couple.office, 1, viewer=viewer)


async def test_numbers_of_all_are_written_anew_when_the_practice_moves(couple: Couple) -> None:
    office = couple.office
    await couple.merge()
    office.practice.region = "GB"
    await office.practice.save(update_fields=["region"])
    await index_all(office.changes)
    survivor = await patient_now(office.practice.id, couple.amber)
    assert survivor is not None
    assert [phone.display for phone in survivor.phones] == ["555-0100", "+1 217-555-0123"]
    assert await found(office.staff, "birch") == {"Amber Testwell"}


STATUSES = [Standing(), Standing(ContactStatus.INACTIVE), Standing(ContactStatus.DO_NOT_CONTACT)]


@pytest.mark.parametrize(("one", "other"), [*product(STATUSES, repeat=2)][1:])
async def test_the_stricter_contact_status_holds_for_one_person_and_is_divided_again(
    couple: Couple, one: Standing, other: Standing
) -> None:
    office = couple.office
    for patient, standing in ((couple.amber, one), (couple.birch, other)):
        if standing.is_barred:
            new = NewStatus(standing.status, f"of {patient}")
            await office.changes.make(office.staff, set_contact_status, patient, new)
    before = await Patient.all().order_by("id").values("contact_status", "contact_status_reason")
    merge_id = await couple.merge()
    amber = await patient_now(office.practice.id, couple.amber)
    assert amber is not None
    assert amber.contact_status is one.joined(other).status
    assert await Task.filter(status__not="CLOSED").count() == 0
    await assert_consistent(office)
    undone = await undo(office, merge_id)
    assert undone.refusals == ()
    after = await Patient.all().order_by("id").values("contact_status", "contact_status_reason")
    assert after == before
    await assert_consistent(office)


async def test_a_status_that_was_set_since_a_merge_stays(couple: Couple) -> None:
    office = couple.office
    asked = NewStatus(ContactStatus.DO_NOT_CONTACT)
    await office.changes.make(office.staff, set_contact_status, couple.birch, asked)
    merge_id = await couple.merge()
    died = NewStatus(ContactStatus.DECEASED)
    await office.changes.make(office.staff, set_contact_status, couple.amber, died)
    refused = await undo(office, merge_id)
    assert codes(refused) == [("CHANGED_SINCE_MERGE", "mergeId")]
    assert "contact status" in refused.refusals[0].message
    assert codes(await undo(office, merge_id, keep_later_changes=True)) == []
    statuses = [p.contact_status for p in await Patient.all().order_by("id")]
    assert statuses == [ContactStatus.DECEASED, ContactStatus.DO_NOT_CONTACT, ContactStatus.OK]


async def test_a_patient_who_is_divided_again_and_not_to_be_called_has_no_open_task(
    couple: Couple,
) -> None:
    office = couple.office
    asked, again = NewStatus(ContactStatus.DO_NOT_CONTACT), NewStatus(ContactStatus.OK)
    await office.changes.make(office.staff, set_contact_status, couple.birch, asked)
    merge_id = await couple.merge()
    await office.changes.make(office.supervisor, set_contact_status, couple.amber, again)
    closed = await Task.get(id=couple.tasks[3].id)
    reopened = await office.changes.make(office.supervisor, reopen_task, closed.id, "Rang back")
    assert codes(reopened) == []
    refused = await undo(office, merge_id)
    assert "reopened tasks: 1" in refused.refusals[0].message
    assert codes(await undo(office, merge_id, keep_later_changes=True)) == []
    await closed.refresh_from_db()
    assert (closed.patient_id, closed.status) == (couple.birch, "CLOSED")

"""Patients who are made and changed by people and partners, one at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.locking import lock_patient
from gql_app.work.patient_details import NO_DETAILS, Details, read_details
from gql_app.work.patients import (
    Findable,
    index_again,
    index_new,
    index_others,
    record_patient_changes,
)
from gql_app.work.reads.external_ids import ExternalId
from gql_app.work.reads.patients import patient_now, patients_by_id
from gql_app.work.results import missing
from models.audit import AuditAction
from models.checks import MAX_NAME, BadValue, checked_name
from models.database import fetch_first, insert, write
from models.people import PatientRow
from models.phone import Phone, any_phone, read_phone
from models.refusals import Refusal, RefusalCode
from models.text import trimmed


class NewPatient(NamedTuple):
    """What a patient is made from, as it was typed."""

    name: str
    phone: str
    external_id: ExternalId | None = None
    details: Details = NO_DETAILS


class PatientChanges(NamedTuple):
    """What is to be different; None for what stays. With `expected_version`, it is refused if the
    patient is at another version."""

    name: str | None = None
    phone: str | None = None
    external_id: ExternalId | None = None
    expected_version: int | None = None
    details: Details = NO_DETAILS


@dataclass(frozen=True, slots=True)
class PatientResult:
    """The patient as they are now, and the refusals. A refused new patient comes with the one who
    has the external id already, if the key may see them."""

    patient: PatientRow | None = None
    refusals: tuple[Refusal, ...] = ()


TAKEN = Refusal(
    RefusalCode.EXTERNAL_ID_TAKEN, "Another patient has this external id.", "externalId"
)

_OTHER_SOURCE = Refusal(
    RefusalCode.EXTERNAL_ID_SET,
    "The patient has an external id at another source already, and keeps it.",
    "externalId",
)


class _Own(NamedTuple):
    """What a patient's row says beside what is shown of it."""

    source: str | None
    external_id: str | None


class _Holder(NamedTuple):
    """The patient who has an external id, and the survivor if that patient was merged away."""

    id: int
    merged_into_id: int | None

    @property
    def patient_id(self) -> int:
        return self.merged_into_id or self.id


async def create_patient(change: Change, new: NewPatient) -> PatientResult:
    """Make a patient. Refusals change nothing and come back in the result. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_edit_patients, "make patients")
    name, phone = _read_name(new.name), _read_phone(viewer, new.phone)
    own = "" if isinstance(phone, Refusal) else phone.stored
    details = read_details(viewer, new.details, own)
    refused = [bad for bad in (name, phone) if isinstance(bad, Refusal)]
    if refusals := (*refused, *details.refusals):
        return PatientResult(None, refusals)
    assert isinstance(name, str)
    assert isinstance(phone, Phone)
    if new.external_id is not None and (holder := await _holder(change, new.external_id)):
        return PatientResult(await _seen(viewer, holder.patient_id), (TAKEN,))
    source, external_id = new.external_id or (None, None)
    patient_id = await insert(
        "patient",
        practice_id=change.practice_id,
        name=name,
        phone=phone.stored,
        phone_display=phone.display,
        time_zone=phone.time_zone,
        is_indexed=True,
        source=source,
        external_id=external_id,
        created_at=change.now,
        made_by_id=viewer.staff_id,
        **details.columns,
    )
    findable = [Findable(patient_id, name, phone)]
    await index_new(change.practice_id, findable)
    if details.columns.get("more_phones"):
        await index_others(change.practice_id, findable)
    change.note(AuditAction.CHANGE, "patient made", patient_id=patient_id)
    return PatientResult(await patient_now(change.practice_id, patient_id))


async def update_patient(change: Change, patient_id: int, changes: PatientChanges) -> PatientResult:
    """Change a patient's name, number or external id. Dashboards that show an open task of the
    patient are told. Refusals change nothing. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_edit_patients, "change patients")
    locked = await lock_patient(viewer, patient_id)
    patient = None if locked is None else await patient_now(change.practice_id, locked)
    if patient is None:
        return PatientResult(None, (missing("patient", "patientId"),))
    if changes.expected_version not in (None, patient.version):
        return PatientResult(patient, (_version_conflict(patient),))
    name = patient.name if changes.name is None else _read_name(changes.name)
    phone: Phone | Refusal | None = None
    if not _is_own(patient, changes.phone):
        phone = _read_phone(viewer, changes.phone or "")
    external_id = changes.external_id
    taken = None if external_id is None else await _check_external_id(change, patient, external_id)
    stored = patient.phone if phone is None or isinstance(phone, Refusal) else phone.stored
    details = read_details(viewer, changes.details, stored)
    refused = [bad for bad in (name, phone, taken) if isinstance(bad, Refusal)]
    if refusals := (*refused, *details.refusals):
        return PatientResult(patient, refusals)
    assert isinstance(name, str)
    assert not isinstance(phone, Refusal)
    if taken is False:  # it is the patient's already
        external_id = None
    is_called_otherwise = (name, stored) != (patient.name, patient.phone)
    new = {name: v for name, v in details.columns.items() if getattr(patient, name) != v}
    if not is_called_otherwise and external_id is None and not new:
        return PatientResult(patient)
    await _write(change, patient.id, {"name": name, "phone": stored, **new}, external_id)
    if is_called_otherwise or new:
        shown = phone or any_phone(patient.phone, viewer.region)
        await index_again(change.practice_id, [Findable(patient.id, name, shown)])
        await record_patient_changes(change, [patient.id])
    else:
        change.note(AuditAction.CHANGE, "external id", patient_id=patient.id)
    return PatientResult(await patient_now(change.practice_id, patient.id))


async def _write(
    change: Change, patient_id: int, columns: Mapping[str, Any], external_id: ExternalId | None
) -> None:
    given = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 3))
    sql = f"""UPDATE patient SET {given}, version = version + 1
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, change.practice_id, patient_id, *columns.values())
    if external_id is not None:
        sql = """UPDATE patient SET source = $3, external_id = $4
        WHERE practice_id = $1 AND id = $2"""
        await write(sql, change.practice_id, patient_id, *external_id)


def _is_own(patient: PatientRow, typed: str | None) -> bool:
    """Whether this is the number that the patient has: one that is no number may stay as it is."""
    return typed is None or trimmed(typed) in (patient.phone, patient.shown_phone)


def _read_name(typed: str) -> str | Refusal:
    name = trimmed(typed)
    if not name:
        return Refusal(RefusalCode.NAME_REQUIRED, "Say what the patient is called.", "name")
    if len(name) > MAX_NAME:
        message = f"The name has {len(name):,} characters; at most {MAX_NAME} are kept."
        return Refusal(RefusalCode.TEXT_TOO_LONG, message, "name")
    try:
        return checked_name("the name", name)
    except BadValue:
        message = "The name has a character that cannot be shown."
        return Refusal(RefusalCode.TEXT_INVALID, message, "name")


def _read_phone(viewer: Viewer, typed: str) -> Phone | Refusal:
    phone = read_phone(typed, viewer.region)
    if phone is not None:
        return phone
    message = (
        f"This is no phone number that can be called, in {viewer.region} or with + and its"
        " country's code."
        if trimmed(typed)
        else "Say by which number the patient is called."
    )
    return Refusal(RefusalCode.PHONE_INVALID, message, "phone")


def _version_conflict(patient: PatientRow) -> Refusal:
    message = (
        f"This patient has changed meanwhile, and is called {patient.name},"
        f" {patient.shown_phone} now."
    )
    return Refusal(RefusalCode.VERSION_CONFLICT, message, "expectedVersion")


async def _check_external_id(
    change: Change, patient: PatientRow, external_id: ExternalId
) -> Refusal | bool:
    """Why the patient cannot have this external id; False if they have it already, else True."""
    holder = await _holder(change, external_id)
    if holder is not None:
        return False if holder.patient_id == patient.id else TAKEN
    sql = "SELECT p.source, p.external_id FROM patient p WHERE p.practice_id = $1 AND p.id = $2"
    own = await fetch_first(_Own, sql, change.practice_id, patient.id)
    assert own is not None
    has_other = own.external_id is not None and own.source != external_id.source
    return _OTHER_SOURCE if has_other else True


async def _holder(change: Change, external_id: ExternalId) -> _Holder | None:
    """Who has an external id, whether or not the key sees them: external ids are the practice's."""
    sql = """SELECT p.id, p.merged_into_id FROM patient p
    WHERE p.practice_id = $1 AND p.source = $2 AND p.external_id = $3"""
    return await fetch_first(_Holder, sql, change.practice_id, *external_id)


async def _seen(viewer: Viewer, patient_id: int) -> PatientRow | None:
    found = await patients_by_id(viewer, [patient_id])
    return found[0] if found else None

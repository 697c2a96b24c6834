"""Wrong numbers: kept, but not dialled any more, whatever an import brings."""

from gql_app.work.changes import Change
from gql_app.work.locking import lock_patient
from gql_app.work.patient_edits import PatientResult
from gql_app.work.patients import Findable, index_again, record_patient_changes
from gql_app.work.reads.patients import patient_now
from gql_app.work.results import missing
from models.database import write
from models.patient_phones import read_wrong, wrong_text
from models.people import PatientRow
from models.phone import Phone, any_phone, read_phone


async def mark_wrong_number(
    change: Change, patient_id: int, number: str, *, is_wrong: bool = True
) -> PatientResult:
    """Mark one of the patient's numbers as wrong, or as right again. Whoever watches an open task
    of the patient is told. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_mark_numbers, "mark numbers as wrong")
    locked = await lock_patient(viewer, patient_id)
    patient = None if locked is None else await patient_now(change.practice_id, locked)
    if patient is None:
        return PatientResult(None, (missing("patient", "patientId"),))
    phone = _meant(patient, number, viewer.region)
    if phone is None:
        return PatientResult(patient, (missing("number", "number"),))
    if phone.is_wrong is is_wrong:
        return PatientResult(patient)
    wrong = [one for one in read_wrong(patient.wrong_phones) if one != phone.stored]
    if is_wrong:
        wrong.append(phone.stored)
    sql = """UPDATE patient SET wrong_phones = $3, version = version + 1
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, change.practice_id, patient.id, wrong_text(wrong))
    own = any_phone(patient.phone, viewer.region)
    await index_again(change.practice_id, [Findable(patient.id, patient.name, own)])
    await record_patient_changes(change, [patient.id])
    return PatientResult(await patient_now(change.practice_id, patient.id))


def _meant(patient: PatientRow, number: str, region: str) -> Phone | None:
    """The patient's number that was named, as it is kept or as it was typed."""
    read = read_phone(number, region)
    named = {number, number.removeprefix("tel:")} | ({read.stored} if read else set())
    return next((p for p in patient.phones if named & {p.stored, p.display}), None)

"""Imports of files that were sent: each row once, whoever carries them on, and taken back again."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.imports import jobs
from gql_app.work.imports.jobs import (
    ImportOrder,
    JobResult,
    begin_run,
    end_run,
    mend_row,
    next_rows,
    reject_all,
    start_import,
    take_rows,
)
from gql_app.work.imports.preview import preview_import
from gql_app.work.imports.records import CannotImport
from gql_app.work.imports.rows import ImportResult
from gql_app.work.imports.runner import ImportRunner, forget_old, read_job
from gql_app.work.imports.sent import MAX_SENT, discard, keep_file
from gql_app.work.imports.undo import REASON, undo_import
from gql_app.work.merging import merge_patients
from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.patients import index_patients
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.patient_lists import patients_page
from gql_app.work.reads.targets import find_target
from models.access import AccessKey
from models.importing import ImportJob, ImportJobRow, ImportRecord, ImportState, ImportStep
from models.lifecycle import CloseCause
from models.limits import Busy
from models.people import Patient, PatientWord
from models.practice import Practice
from models.refusals import RefusalCode
from models.task import Task
from tests.commands.importing.rows import row as task_row
from tests.office import Office
from tests.work.imports.test_run import run_of

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEAD = "Nr;Nachname;Vorname;Telefon;Grund\n"


def row(number: int, phone: str = "217 555 0123") -> str:
    return f"{number};Testwell;Fern {number};{phone};Recall\n"


async def sent(office: Office, text: str, viewer: Viewer | None = None) -> int:
    return await keep_file(office.changes, viewer or office.supervisor, text.encode(), "liste.csv")


def order(office: Office, **given: Any) -> ImportOrder:
    return ImportOrder(office.recall.id, "pms", None)._replace(**given)


async def started(office: Office, text: str) -> int:
    job_id = await sent(office, text)
    result = await office.changes.make(office.supervisor, start_import, job_id, order(office))
    assert result.refusals == ()
    return job_id


async def run(office: Office, runner: ImportRunner | None = None) -> None:
    runner = runner or ImportRunner(office.changes, office.clock)
    while await runner.run_some():
        pass


def failing(error: Exception) -> Any:
    async def fail(*_args: object) -> None:
        raise error

    return fail


def failing_for(job_id: int) -> Any:
    async def discard_others(change: Change, which: int) -> None:
        if which == job_id:
            raise RuntimeError("broken")
        await discard(change, which)

    return discard_others


async def job_of(office: Office, job_id: int) -> ImportJobRow:
    found = await read_job(office.practice.id, job_id)
    assert found is not None
    return found


async def undone(office: Office, job_id: int) -> JobResult:
    result = await office.changes.make(office.admin, undo_import, job_id)
    await run(office)
    return result


async def test_a_file_comes_in_and_only_what_was_rejected_is_kept(office: Office) -> None:
    text = HEAD + "".join(map(row, range(3))) + row(3, "none") + row(1)
    job_id = await started(office, text)
    await run(office)
    job = await job_of(office, job_id)
    assert (job.state, job.total, job.created, job.rejected) == (ImportState.DONE, 5, 3, 2)
    assert await Task.filter(source="pms").count() == 3
    assert await Patient.filter(name="Fern 2 Testwell", external_id="2").count() == 1
    kept = await ImportRecord.all().order_by("line")
    assert [json.loads(record.refusals or "")[0][0] for record in kept] == [
        "PHONE_INVALID",
        "EXTERNAL_ID_TWICE",
    ]
    assert [record.line for record in kept] == [5, 6]

    async def mended(line: int, **cells: str) -> tuple[JobResult, Any]:
        return await office.changes.make(office.supervisor, mend_row, job_id, line, cells)

    assert (await mended(5, Telefon="no"))[1].result is ImportResult.REJECTED
    assert (await mended(5, Fax="1"))[0].refusals[0].code is RefusalCode.COLUMN_MISSING
    assert (await mended(5, Telefon="217 555 0188"))[1].result is ImportResult.CREATED
    assert (await mended(5))[0].refusals[0].code is RefusalCode.NOT_FOUND
    job = await job_of(office, job_id)
    assert (job.created, job.rejected) == (4, 1)


async def test_an_import_goes_on_elsewhere_and_takes_each_row_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 5)
    job_id = await started(office, HEAD + "".join(map(row, range(12))))
    first, second = (ImportRunner(office.changes, office.clock) for _ in range(2))
    assert await first.run_some()
    before = await job_of(office, job_id)
    assert (before.created, await Task.filter(source="pms").count()) == (5, 5)
    assert not await second.run_some(), "the first is at work"
    office.clock.advance(seconds=4)  # it has been killed, or is only slow
    target = await find_target(office.supervisor, office.recall.id)
    assert target is not None
    prepared = await next_rows(before, target, set())
    assert await second.run_some()
    make = office.changes.make
    assert not await make(office.supervisor, take_rows, before, target, prepared)
    assert await Task.filter(source="pms").count() == 10
    await run(office, second)
    job = await job_of(office, job_id)
    assert (job.state, job.created, job.unchanged) == (ImportState.DONE, 12, 0)
    assert await Task.filter(source="pms").count() == 12


@sqlite_only
async def test_rows_of_a_step_that_failed_are_not_taken_for_doubles(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await started(office, HEAD + row(1) + row(2) + row(1))
    runner = ImportRunner(office.changes, office.clock)
    with monkeypatch.context() as patch:
        patch.setattr("gql_app.work.imports.jobs.import_batch", failing(Busy("busy")))
        assert not await runner.run_some()
    await run(office, runner)
    job = await job_of(office, job_id)
    assert (job.created, job.rejected) == (2, 1)


@sqlite_only
async def test_an_import_that_always_fails_does_not_stop_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = await started(office, HEAD + row(1)), await started(office, HEAD + row(2))
    await ImportJob.filter(id=broken).update(matching="no JSON")
    await run(office)
    assert (await job_of(office, good)).state is ImportState.DONE
    office.clock.advance(hours=25)
    waiting = await sent(office, HEAD + row(3))
    office.clock.advance(hours=25)
    await ImportJob.filter(id=broken).update(state=ImportState.UPLOADED, started_at=None)
    monkeypatch.setattr("gql_app.work.imports.runner.discard", failing_for(broken))
    await forget_old(office.changes, office.clock())
    assert await ImportJob.filter(id=broken).exists()
    assert not await ImportJob.filter(id=waiting).exists()


async def test_an_import_is_taken_back_but_for_what_was_touched(office: Office) -> None:
    job_id = await started(office, HEAD + "".join(map(row, range(4))))
    await run(office)
    called, claimed, *others = await Task.filter(source="pms").order_by("id")
    await office.log(called)
    until = office.clock() + timedelta(minutes=5)
    await Task.filter(id=claimed.id).update(
        claimed_by_id=office.staff.staff_id, claimed_until=until
    )

    assert (await undone(office, job_id)).refusals == ()
    job = await job_of(office, job_id)
    assert (job.state, job.taken_back, job.left_alone) == (ImportState.UNDONE, 2, 2)
    for task in await Task.filter(id__in=[task.id for task in others]):
        assert (task.close_cause, task.withdrawn_reason) == (CloseCause.WITHDRAWN, REASON)
        assert task.external_id is None
        patient = await Patient.get(id=task.patient_id)
        assert patient.taken_back_at is not None
        await index_patients(office.practice.id, [patient])
        assert await PatientWord.filter(patient_id=patient.id).count() == 0, "nobody finds them"
    for task in (called, claimed):
        assert (await Task.get(id=task.id)).closed_at is None
        assert await PatientWord.filter(patient_id=task.patient_id).count() > 0
    assert [json.loads(s.touched or "") for s in await ImportStep.all()] == [
        [called.id, claimed.id]
    ]
    gone = await Patient.exclude(taken_back_at=None).first()
    assert gone is not None
    listed = await patients_page(office.supervisor, None, None, 50, None)
    assert gone.id not in {patient.id for patient in listed.rows}
    changes = PatientChanges(name="Fern")
    edited = await office.changes.make(office.supervisor, update_patient, gone.id, changes)
    survivor = office.patients[0].id
    merged = await office.changes.make(office.supervisor, merge_patients, survivor, gone.id)
    for refused in (edited, merged):
        assert refused.refusals[0].code is RefusalCode.NOT_FOUND
    again = await undone(office, job_id)
    assert again.refusals[0].code is RefusalCode.IMPORT_UNDONE
    # The mended file comes in again.
    job_id = await started(office, HEAD + "".join(map(row, range(4))))
    await run(office)
    job = await job_of(office, job_id)
    assert (job.created, job.unchanged) == (2, 2)


async def test_a_patient_who_was_there_before_or_was_changed_is_not_taken_back(
    office: Office,
) -> None:
    there = office.patients[0]
    await Patient.filter(id=there.id).update(source="pms", external_id="1")
    job_id = await started(office, HEAD + row(1) + row(2))
    await run(office)
    other = await started(office, HEAD + row(2, "217 555 0199"))
    await run(office)
    assert (await job_of(office, other)).updated == 1
    await undone(office, job_id)
    assert (await job_of(office, job_id)).taken_back == 2
    assert await Patient.exclude(taken_back_at=None).count() == 0


@sqlite_only
async def test_a_patient_who_was_merged_since_is_not_taken_back(office: Office) -> None:
    job_id = await started(office, HEAD + row(1))
    await run(office)
    came = await Patient.get(external_id="1")
    survivor = office.patients[0].id
    result = await office.changes.make(office.supervisor, merge_patients, survivor, came.id)
    assert result.refusals == ()
    await undone(office, job_id)
    await came.refresh_from_db()
    assert (came.external_id, came.taken_back_at) == ("1", None)


async def test_a_run_of_the_command_stops_when_it_is_undone(office: Office) -> None:
    make = office.changes.make
    job_id = await make(office.supervisor, begin_run, "a.csv", order(office, matching={}))
    importing = await run_of(office, job_id=job_id)
    await importing.take([task_row("t1")])
    await undone(office, job_id)
    with pytest.raises(BadInput):
        await importing.take([task_row("t2")])
    await make(office.supervisor, end_run, job_id, {ImportResult.CREATED: 1})
    job = await job_of(office, job_id)
    assert (job.state, job.taken_back) == (ImportState.UNDONE, 1)
    assert await Task.filter(external_id="t2").count() == 0


async def test_what_cannot_be_undone_or_started_says_why(office: Office) -> None:
    make, supervisor = office.changes.make, office.supervisor
    job_id = await sent(office, HEAD + row(1))

    async def codes(use_case: Any, *args: Any, viewer: Viewer = supervisor) -> list[str]:
        return [refusal.code for refusal in (await make(viewer, use_case, job_id, *args)).refusals]

    assert await codes(undo_import) == ["IMPORT_NOT_STARTED"]
    assert await codes(start_import, order(office, queue_id=999)) == ["NOT_FOUND"]
    missing = order(office, matching={"phone": "Telefon"})
    assert await codes(start_import, missing) == ["COLUMN_MISSING"]
    twice = order(office, matching={"phone": "Nr", "external_id": "Nr"})
    assert await codes(start_import, twice) == ["COLUMN_TWICE"]
    assert await codes(start_import, order(office)) == []
    assert await codes(start_import, order(office)) == ["IMPORT_STARTED"]
    await run(office)
    office.clock.advance(hours=25)
    assert await codes(undo_import) == ["IMPORT_TOO_OLD"]
    job_id += 1
    assert await codes(undo_import) == ["NOT_FOUND"]


@sqlite_only
async def test_what_files_had_in_them_is_forgotten_after_a_day(office: Office) -> None:
    waiting = await sent(office, HEAD + row(1))
    over = await started(office, HEAD + row(2, "none") + row(3))
    await run(office)
    await forget_old(office.changes, office.clock())
    assert await ImportRecord.all().count() == 2
    office.clock.advance(hours=25)
    await forget_old(office.changes, office.clock())
    assert await ImportRecord.all().count() == await ImportStep.all().count() == 0
    assert [job.id for job in await ImportJob.all()] == [over]
    assert waiting != over


@sqlite_only
async def test_what_is_put_aside_late_does_not_overwrite_an_undo(office: Office) -> None:
    job_id = await started(office, HEAD + row(1))
    before = await job_of(office, job_id)
    await office.changes.make(office.admin, undo_import, job_id)
    assert not await office.changes.make(office.supervisor, reject_all, before, "late")
    assert (await job_of(office, job_id)).state is ImportState.UNDOING


@sqlite_only
async def test_rows_come_in_with_the_rights_of_who_started_the_import(office: Office) -> None:
    limited = replace(office.supervisor, queue_ids=frozenset({office.missed.id}))
    job_id = await sent(office, HEAD + row(1), limited)
    await office.changes.make(office.admin, start_import, job_id, order(office))
    await run(office)
    job = await job_of(office, job_id)
    assert (job.created, job.staff_id, job.queue_ids) == (1, office.admin.staff_id, None)


@sqlite_only
async def test_an_import_waits_while_its_practice_is_archived_and_ends_with_its_key(
    office: Office,
) -> None:
    job_id = await started(office, HEAD + row(1))
    await Practice.filter(id=office.practice.id).update(archived_at=office.clock())
    await run(office)
    assert (await job_of(office, job_id)).state is ImportState.RUNNING
    await Practice.filter(id=office.practice.id).update(archived_at=None)
    await AccessKey.filter(id=office.supervisor.key_id).update(revoked_at=office.clock())
    await run(office)
    job = await job_of(office, job_id)
    assert (job.state, job.created, job.rejected) == (ImportState.DONE, 0, 1)


@sqlite_only
async def test_runs_of_the_command_that_were_killed_block_no_file_and_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.imports.sent.MAX_WAITING", 1)
    where = order(office, matching={})
    job_id = await office.changes.make(office.supervisor, begin_run, "a.csv", where)
    assert await sent(office, HEAD + row(1))
    office.clock.advance(hours=25)
    await forget_old(office.changes, office.clock())
    assert (await job_of(office, job_id)).state is ImportState.DONE


@sqlite_only
async def test_a_preview_changes_nothing_and_guesses_as_it_was_chosen_last(office: Office) -> None:
    await started(office, HEAD + row(1))
    await run(office)
    rows = ("7;Fern;x;217 555 0123;r", "1;Fern;x;217 555 0123;r", "8;E;x;no;r")
    text = "\n".join(["Nr;Kontakt;Name;Telefon;Grund", *rows, ""])
    job = await job_of(office, await sent(office, text))
    chosen = {"external_id": "Nr", "name": "Kontakt", "phone": "Telefon", "reason": "Grund"}
    wanted = order(office, matching=chosen)
    preview = await preview_import(office.changes, office.supervisor, job, wanted)
    assert preview.columns == chosen
    assert preview.results == {
        ImportResult.CREATED: 1,
        ImportResult.UPDATED: 1,
        ImportResult.REJECTED: 1,
    }
    assert [kept.line for kept, _ in preview.rejects] == [4]
    assert await Task.filter(source="pms").count() == 1
    await office.changes.make(office.supervisor, start_import, job.id, wanted)
    later = await job_of(office, await sent(office, text))
    guessed = await preview_import(office.changes, office.supervisor, later, order(office))
    assert guessed.columns == chosen
    limited = replace(office.supervisor, queue_ids=frozenset({office.missed.id}))
    own = await job_of(office, await sent(office, text, limited))
    there = order(office, queue_id=office.missed.id)
    guessed = await preview_import(office.changes, limited, own, there)
    assert guessed.columns != chosen, "what others chose for queues of theirs is not told"


@sqlite_only
@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"x" * (MAX_SENT + 1), "a.csv", "FILE_TOO_LARGE"),
        (HEAD.encode(), "a.csv", "FILE_EMPTY"),
        (b"", "a.csv", "FILE_EMPTY"),
        (HEAD.encode("utf-16"), "a.csv", "FILE_ENCODING"),
        ("Straße;Telefon\n".encode("latin-1"), "a.csv", "FILE_ENCODING"),
        (b"%PDF-1.4", "a.pdf", "FILE_TYPE_UNKNOWN"),
        (b"PK\x03\x04", "a.csv", "FILE_ENCODING"),
        (b"PK\x03\x04", "a.xlsx", "FILE_BROKEN"),
    ],
)
async def test_a_file_that_is_no_table_is_not_kept(
    office: Office, content: bytes, name: str, code: str
) -> None:
    with pytest.raises(CannotImport, match=f"^{code}: "):
        await keep_file(office.changes, office.supervisor, content, name)
    assert await ImportJob.all().count() == 0


@sqlite_only
async def test_bytes_that_are_not_utf_8_and_rows_that_are_none_can_be_mended(
    office: Office,
) -> None:
    text = (HEAD + row(1)).replace("Fern", "Jos\udce9") + '2;"Fern"x;y\n'
    content = text.encode(errors="surrogateescape")
    job_id = await keep_file(office.changes, office.supervisor, content, "a.csv")
    make = office.changes.make
    await make(office.supervisor, start_import, job_id, order(office))
    await run(office)
    kept = await ImportRecord.all().order_by("line")
    codes = [json.loads(record.refusals or "")[0][0] for record in kept]
    assert codes == ["TEXT_INVALID", "ROW_MALFORMED"]
    cells = {"Vorname": "José", "Nr": "2", "Nachname": "T", "Telefon": "2175550123", "Grund": "r"}
    for line in (2, 3):
        _, result = await make(office.supervisor, mend_row, job_id, line, cells | {"Nr": str(line)})
        assert result is not None
        assert result.result is ImportResult.CREATED

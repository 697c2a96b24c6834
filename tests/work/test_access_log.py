"""What was read is collected, told once a minute, and written in batches."""

import asyncio
import logging
from datetime import datetime

import pytest

from gql_app.access import Origin
from gql_app.work import access_log
from gql_app.work.access_log import Access, AccessLog
from gql_app.work.upkeep.verifying import verify_audit
from models.audit import AuditAction, AuditRow
from models.limits import Busy
from tests.office import Office
from tests.support.audited import rows_of

READ = AuditAction.READ
TASKS = Origin("tasks", "203.0.113.7")


@pytest.fixture
def log(office: Office) -> AccessLog:
    office.clock.now = office.clock.now.replace(second=10)
    return AccessLog(office.clock)


def by_staff(office: Office, *, notes: bool = False) -> Access:
    return Access.by(office.staff, TASKS, READ, notes=notes)


async def written(office: Office, log: AccessLog) -> list[AuditRow]:
    await log.write(office.changes)
    return await rows_of(office.practice, READ, AuditAction.REFUSED)


async def test_a_patient_who_is_read_again_in_the_same_minute_is_told_once(
    office: Office, log: AccessLog
) -> None:
    log.note(by_staff(office), {7, 8})
    log.note(by_staff(office), [8, 9])
    await log.write(office.changes)
    office.clock.advance(seconds=30)
    log.note(by_staff(office), {9})
    rows = await written(office, log)
    assert sorted(row.patient_id or 0 for row in rows) == [7, 8, 9]
    assert {row[4:8] for row in rows} == {
        ("tasks", "203.0.113.7", office.staff.staff_id, office.staff.key_id)
    }
    assert (await verify_audit(office.practice.id)).changed_at is None


async def test_the_next_minute_and_other_readers_have_rows_of_their_own(
    office: Office, log: AccessLog
) -> None:
    log.note(by_staff(office), {7})
    log.note(Access.by(office.supervisor, TASKS, READ), {7})
    log.note(by_staff(office, notes=True), {7})
    log.note(Access.by(office.staff, Origin("tasks", "203.0.113.8"), READ), {7})
    office.clock.advance(seconds=50)
    log.note(by_staff(office), {7})
    rows = await written(office, log)
    assert [row.notes for row in rows] == [False, False, True, False, False]
    moments: list[datetime] = [row.at for row in rows]
    assert moments[-1] - moments[0] == office.clock.now - moments[0]


async def test_reads_are_refused_once_too_much_waits(
    office: Office,
    log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", 3)
    monkeypatch.setattr(access_log, "MOST_IN_ALL", 6)
    here = office.practice.id
    log.check(here)
    log.note(by_staff(office), range(3))
    with pytest.raises(Busy):
        log.check(here)
    log.check(here + 1)  # another practice does not suffer from it
    log.note(by_staff(office), range(3, 6))  # what was delivered cannot be refused any more
    log.note(by_staff(office), range(6, 9))
    with caplog.at_level(logging.ERROR):
        assert len(await written(office, log)) == 6
    assert "3 reads are not in its audit" in caplog.text
    log.check(here)
    log.note(by_staff(office), {6})  # it was never told
    assert len(await written(office, log)) == 7


async def test_what_cannot_be_written_waits_for_the_next_round(
    office: Office, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.note(by_staff(office), {7})
    with monkeypatch.context() as patch:
        patch.setattr(access_log, "_write_down", None)
        assert await written(office, log) == []
    assert len(await written(office, log)) == 1


async def test_a_practice_that_is_not_there_is_forgotten(office: Office, log: AccessLog) -> None:
    log.note(Access(999_999, AuditAction.SIGN_IN, "sign in", None, None, None), {None})
    await log.write(office.changes)
    assert log._to_write() == []


async def test_it_is_written_again_and_again_and_at_the_end(
    office: Office, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "ROUND_SECONDS", 0.01)
    settled = 0

    def settle() -> None:
        nonlocal settled
        settled += 1

    log.note(by_staff(office), {7})
    writing = asyncio.create_task(log.keep_writing(office.changes, settle))
    async with asyncio.timeout(5):
        while not await rows_of(office.practice, READ):
            await asyncio.sleep(0.01)
    monkeypatch.setattr(access_log, "ROUND_SECONDS", 60)
    log.note(by_staff(office), {8})
    writing.cancel()
    await asyncio.wait({writing})
    assert [row.patient_id for row in await rows_of(office.practice, READ)] == [7, 8]
    assert settled >= 2


async def test_more_than_a_batch_is_written_in_several(
    office: Office, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "BATCH", 10)
    log.note(by_staff(office), range(25))
    rows = await written(office, log)
    assert sorted(row.patient_id or 0 for row in rows) == list(range(25))
    assert (await verify_audit(office.practice.id)).changed_at is None

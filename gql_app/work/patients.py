"""Patients: the words by which they are found, and the events of those who have changed."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import orjson

from gql_app.work.changes import Change
from models.audit import AuditAction
from models.database import among, fetch, for_update, texts_of, word_lists, write
from models.event import TaskEventKind
from models.names import name_words
from models.patient_phones import kept, kept_text, read_kept, read_wrong, shown_in
from models.phone import Phone, any_phone
from models.task import FOUND_AGAIN, IS_OPEN, TASK_COLUMNS, TaskRow

BATCH = 1_000


# The import that made them was undone.
_BUT_TAKEN_BACK = """AND listed.id NOT IN (
    SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.taken_back_at IS NOT NULL)
ON CONFLICT DO NOTHING"""


class Findable(NamedTuple):
    """What a patient is found by."""

    id: int
    name: str
    phone: Phone


class Written(Protocol):
    """A patient's row, or the patient."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...


class _Region(NamedTuple):
    region: str


class _Numbered(NamedTuple):
    """By which name and numbers the patient `id` is found, their own or those of one who was merged
    into them, and how numbers are written in the practice."""

    id: int
    name: str
    phone: str
    more_phones: str | None
    wrong_phones: str | None
    region: str

    @property
    def phones(self) -> list[Phone]:
        """The own number first, then the others."""
        wrong = {*read_wrong(self.wrong_phones)}
        others = shown_in(self.region, read_kept(self.more_phones))
        phones = (any_phone(self.phone, self.region), *others)
        return [phone._replace(is_wrong=phone.stored in wrong) for phone in phones]


async def index_patients(practice_id: int, patients: Iterable[Written]) -> None:
    """Show the practice's patients by these telephone numbers, and let them be found by these names
    and numbers and no longer by those they had. In the transaction that has locked their rows."""
    (practice,) = await fetch(_Region, "SELECT region FROM practice WHERE id = $1", practice_id)
    found = [Findable(p.id, p.name, any_phone(p.phone, practice.region)) for p in patients]
    await index_again(practice_id, found)


async def index_again(practice_id: int, patients: Sequence[Findable]) -> None:
    """The same, where the numbers have been read already. The rows are written first, which locks
    them: words that a server has written meanwhile are seen, or are the same."""
    for begin in range(0, len(patients), BATCH):
        batch = patients[begin : begin + BATCH]
        phones = {p.id: [p.phone.stored, p.phone.display, p.phone.time_zone] for p in batch}
        mark = f"""
        UPDATE patient
        SET phone_number = listed.number, phone_display = listed.shown,
            time_zone = listed.zone, is_indexed = true
        FROM {texts_of(2, "number", "shown", "zone")}
        WHERE patient.practice_id = $1 AND patient.id = listed.id
        """
        await write(mark, practice_id, json.dumps(phones))
        # Another number may be from another zone.
        look_again = f"""UPDATE task SET {FOUND_AGAIN}
        WHERE practice_id = $1 AND {among("patient_id", 2)} AND waits_until IS NOT NULL"""
        await write(look_again, practice_id, [patient.id for patient in batch])
        forget = f"DELETE FROM patient_word WHERE practice_id = $1 AND {among('patient_id', 2)}"
        await write(forget, practice_id, [patient.id for patient in batch])
        await _write_words(practice_id, batch, _BUT_TAKEN_BACK)
        await index_others(practice_id, batch)
        await _index_merged(practice_id, batch)


async def index_others(practice_id: int, patients: Sequence[Findable]) -> None:
    """Let patients be found by their other numbers too, show these as the region writes them, and
    take the time zone from the first number that is not wrong."""
    sql = f"""SELECT p.id, p.name, p.phone, p.more_phones, p.wrong_phones, o.region
    FROM patient p JOIN practice o ON o.id = p.practice_id
    WHERE p.practice_id = $1 AND {among("p.id", 2)}
      AND (p.more_phones IS NOT NULL OR p.wrong_phones IS NOT NULL)"""
    for one in await fetch(_Numbered, sql, practice_id, [patient.id for patient in patients]):
        own, *others = one.phones
        for phone in others:
            findable = [Findable(one.id, one.name, phone)]
            await _write_words(practice_id, findable, "ON CONFLICT DO NOTHING")
        right = next((phone for phone in (own, *others) if not phone.is_wrong), None)
        zone = None if right is None else right.time_zone
        sql = """UPDATE patient SET more_phones = $3, time_zone = $4
        WHERE practice_id = $1 AND id = $2"""
        await write(sql, practice_id, one.id, kept_text([*map(kept, others)]), zone)


async def _index_merged(practice_id: int, patients: Sequence[Findable]) -> None:
    """Let patients be found by the names and numbers of those who were merged into them too, and
    show these numbers with their own."""
    sql = f"""SELECT g.merged_into_id, g.name, g.phone, g.more_phones, g.wrong_phones, o.region
    FROM patient g JOIN practice o ON o.id = g.practice_id
    WHERE g.practice_id = $1 AND g.merged_into_id IS NOT NULL AND {among("g.merged_into_id", 2)}
    ORDER BY g.id"""
    own = {patient.id: patient.phone.stored for patient in patients}
    gone: dict[int, list[Findable]] = {}
    for merged in await fetch(_Numbered, sql, practice_id, [*own]):
        gone.setdefault(merged.id, []).extend(
            Findable(merged.id, merged.name, phone) for phone in merged.phones
        )
    for survivor_id, them in gone.items():
        for one in them:
            await _write_words(practice_id, [one], "ON CONFLICT DO NOTHING")
        phones = {one.phone.stored: (one.phone.display, one.phone.is_wrong) for one in them}
        phones.pop(own[survivor_id], None)
        listed = [(number, *shown) for number, shown in phones.items()]
        sql = "UPDATE patient SET other_phones = $3 WHERE practice_id = $1 AND id = $2"
        await write(sql, practice_id, survivor_id, json.dumps(listed))


async def index_new(practice_id: int, patients: Sequence[Findable]) -> None:
    """Let patients be found who have no words yet, and whose rows say that they are indexed."""
    for begin in range(0, len(patients), BATCH):
        await _write_words(practice_id, patients[begin : begin + BATCH])


async def _write_words(practice_id: int, patients: Sequence[Findable], but: str = "") -> None:
    words = {p.id: [*{*name_words(p.name), *p.phone.words}] for p in patients}
    # SQLite takes what follows a table for its join, unless there is a condition between.
    sql = f"""
    INSERT INTO patient_word (practice_id, patient_id, word)
    SELECT $1, listed.id, listed.word FROM {word_lists(2)} WHERE true {but}
    """
    listed = orjson.dumps(words, option=orjson.OPT_NON_STR_KEYS).decode()
    await write(sql, practice_id, listed)


async def record_patient_changes(change: Change, patient_ids: list[int]) -> None:
    """Record on every open task of these patients that their name or phone has changed, and in the
    audit of those who have none. Their rows are locked and already written."""
    if not patient_ids:
        return
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND {among("t.patient_id", 2)}
      AND {IS_OPEN}
    ORDER BY t.id {for_update()}
    """
    tasks = await fetch(TaskRow, sql, change.practice_id, patient_ids)
    for patient_id in {*patient_ids} - {task.patient_id for task in tasks}:
        change.note(AuditAction.CHANGE, patient_id=patient_id)
    await touch_tasks(change, tasks)


async def touch_tasks(change: Change, tasks: Sequence[TaskRow]) -> list[TaskRow]:
    """Record on locked tasks that their patient has changed. Returns them as they are then."""
    if not tasks:
        return []
    sql = f"UPDATE task SET version = version + 1 WHERE practice_id = $1 AND {among('id', 2)}"
    await write(sql, change.practice_id, [task.id for task in tasks])
    told = [task._replace(version=task.version + 1) for task in tasks]
    for task, before in zip(told, tasks, strict=True):
        change.record(TaskEventKind.PATIENT_CHANGED, task, before=before)
    return told

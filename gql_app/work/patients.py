"""Patients: the one look-up of them, for reads and writes, and the words that they are found by."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import orjson

from gql_app.access import Scope
from gql_app.work.reads.conditions import BadInput, Conditions
from gql_app.work.reads.history import event_shown_in
from models.database import among, fetch, for_update, pairs, word_lists, write
from models.names import name_words, says_enough
from models.people import PATIENT_COLUMNS, PatientRow
from models.phone import Phone, any_phone, looks_dialled, meant_numbers, without_extension
from models.text import trimmed

BATCH = 1_000

LONGEST = 100
"""How much may be typed to find a patient, in characters."""

LAST = "\U0010ffff"
"""Comes after every character that a word can go on with."""


def seen_patients(scope: Scope) -> Conditions:
    """What holds for the patients (called `p`) whom the key may see and change. A key that is
    limited to some queues reaches those who have a task there, open or closed, or had one that an
    event still tells of. So a patient whom it brought in itself stays in its reach: the event that
    tells of the first task is shown in the queue it was made in, wherever the task is now."""
    where = Conditions.of(scope, "p")
    if scope.queue_ids is not None:
        tasks = Conditions(["t.practice_id = p.practice_id", "t.patient_id = p.id"], where.values)
        events = Conditions(["e.practice_id = t.practice_id", "e.task_id = t.id"], where.values)
        allowed = where.value(list(scope.queue_ids))
        events.add(event_shown_in(allowed))
        here = among("t.queue_id", allowed)
        tasks.add(f"({here} OR EXISTS (SELECT 1 FROM task_event e WHERE {events}))")
        where.add(f"EXISTS (SELECT 1 FROM task t WHERE {tasks})")
    return where


async def patients_by_id(
    scope: Scope, ids: Sequence[int], *, lock: bool = False
) -> list[PatientRow]:
    """The patients among `ids` whom the key may see and change. With `lock` they are locked until
    the transaction ends, in the order of their ids, and no task can be made for them meanwhile.
    One whom the key does not see is not waited for either: that would tell of a patient there."""
    where = seen_patients(scope)
    where.among("p.id", list(ids))
    locked = f"ORDER BY p.id {for_update()}" if lock else ""
    sql = f"SELECT {PATIENT_COLUMNS} FROM patient p WHERE {where} {locked}"
    return await fetch(PatientRow, sql, *where.values)


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
        phones = {p.id: [p.phone.stored, p.phone.display] for p in batch}
        mark = f"""
        UPDATE patient
        SET phone_number = listed.first, phone_display = listed.last, is_indexed = true
        FROM {pairs(2)} WHERE patient.practice_id = $1 AND patient.id = listed.id
        """
        await write(mark, practice_id, json.dumps(phones))
        forget = f"DELETE FROM patient_word WHERE practice_id = $1 AND {among('patient_id', 2)}"
        await write(forget, practice_id, [patient.id for patient in batch])
        await _write_words(practice_id, batch, "ON CONFLICT DO NOTHING")


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


def whose_patient(where: Conditions, typed: str, region: str) -> None:
    """Narrow a list of tasks (called `t`) to those whose patient is meant by what was typed: each
    word begins a word of the name, and digits begin or end the telephone number. Raises `BadInput`.
    """
    for beginnings in _meant(typed, region):
        # Not one select with OR, for which SQLite would look at all of the practice's words.
        selects = " UNION ALL ".join(
            f"""SELECT w.patient_id FROM patient_word w WHERE w.practice_id = $1
            AND w.word >= ${where.value(begin)} AND w.word < ${where.value(begin + LAST)}"""
            for begin in beginnings
        )
        where.add(f"t.patient_id IN ({selects})")


def _meant(typed: str, region: str) -> list[list[str]]:
    """For each word that was typed, what one of the patient's words must begin with. Digits that
    are typed in groups are one number."""
    typed = trimmed(typed)
    if len(typed) > LONGEST:
        raise BadInput(f"patient has at most {LONGEST} characters.")
    words: list[str] = []
    numbers: list[list[str]] = []
    for is_number, group in groupby(without_extension(typed).split(), key=looks_dialled):
        if is_number:
            numbers.append(meant_numbers(" ".join(group), region))
        else:
            words += name_words(" ".join(group))
    digits = [numbers_of[0] for numbers_of in numbers if numbers_of]
    if not says_enough([*words, *digits]):
        raise BadInput(
            "patient has at least 2 letters or digits, or a character that is a word by itself."
        )
    return [*([word] for word in words), *filter(None, numbers)]

"""Patients: the one look-up of them, for reads and writes, and the words that they are found by."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

from gql_app.access import Scope
from gql_app.work.history import event_shown_in
from gql_app.work.reading import BadInput, Conditions
from models.database import among, fetch, for_update, select_list, word_lists, write
from models.people import backwards, digits_of, name_words, search_words

BATCH = 1_000

SHORTEST, LONGEST = 2, 100
"""How much must, and may, be typed to find a patient, in characters."""

LAST = "\U0010ffff"
"""Comes after every character that a word can go on with."""


class PatientRow(NamedTuple):
    id: int
    practice_id: int
    name: str
    phone: str


PATIENT_COLUMNS = select_list("p", PatientRow)
"""The select list of a `PatientRow`, from a table that is called `p` in the query."""


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


class Findable(Protocol):
    """A patient's row, or the patient."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...


async def index_patients(practice_id: int, patients: Iterable[Findable]) -> None:
    """Let the practice's patients be found by these names and telephone numbers, and no longer by
    those they had. In the transaction that writes the patients, after them."""
    listed = list(patients)
    for begin in range(0, len(listed), BATCH):
        words = {p.id: [*search_words(p.name, p.phone)] for p in listed[begin : begin + BATCH]}
        forget = f"DELETE FROM patient_word WHERE practice_id = $1 AND {among('patient_id', 2)}"
        await write(forget, practice_id, [*words])
        keep = f"""
        INSERT INTO patient_word (practice_id, patient_id, word)
        SELECT $1, listed.id, listed.word FROM {word_lists(2)}
        """
        await write(keep, practice_id, json.dumps(words))


def whose_patient(where: Conditions, typed: str) -> None:
    """Narrow a list of tasks (called `t`) to those whose patient is meant by what was typed: each
    word begins a word of the name, and digits begin or end the telephone number. Raises `BadInput`.
    """
    for beginnings in _meant(typed):
        # Not one select with OR, for which SQLite would look at all of the practice's words.
        selects = " UNION ALL ".join(
            f"""SELECT w.patient_id FROM patient_word w WHERE w.practice_id = $1
            AND w.word >= ${where.value(begin)} AND w.word < ${where.value(begin + LAST)}"""
            for begin in beginnings
        )
        where.add(f"t.patient_id IN ({selects})")


def _meant(typed: str) -> list[list[str]]:
    """For each word that was typed, what one of the patient's words must begin with. Digits that
    are typed in groups are one number."""
    if not SHORTEST <= len(typed.strip()) <= LONGEST:
        raise BadInput(f"patient has {SHORTEST} to {LONGEST} characters.")
    found: list[list[str]] = []
    for is_number, group in groupby(typed.split(), key=_is_number):
        if is_number:
            digits = digits_of("".join(group))
            found += [[digits, backwards(digits)]] if digits else []
        else:
            found += [[word] for word in name_words(" ".join(group))]
    if sum(len(beginnings[0]) for beginnings in found) < SHORTEST:
        raise BadInput(f"patient has at least {SHORTEST} letters or digits.")
    return found


def _is_number(typed: str) -> bool:
    return not set(typed) - set("0123456789+-./()")

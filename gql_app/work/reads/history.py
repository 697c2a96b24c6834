"""The read side of what has happened: contacts and events, and the people they name."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_event_cursor, read_id_cursor
from models.contact import CONTACT_COLUMNS, UNDO_COLUMNS, ContactRow, ContactUndoRow
from models.database import among, any_among, fetch, fetch_joined, select_list, snapshot
from models.event import CLAIM_KINDS, EventRow, check_resumable, select_events
from models.lifecycle import CloseCause, TaskStatus
from models.roles import Action, who_may
from models.task import IS_CLOSED, one_of


class StaffRow(NamedTuple):
    """One of the staff, or a partner's program, as the read side hands it out."""

    id: int
    practice_id: int
    name: str


def somebody(scope: Scope) -> StaffRow:
    """Stands for everyone of the staff where the scope may not see who works."""
    return StaffRow(0, scope.practice_id, "Staff")


def is_kept_from(scope: Scope, event: EventRow) -> bool:
    """Whether an event is of claims, and the scope may not see who works."""
    return event.kind in CLAIM_KINDS and not scope.may_see_who_works


def event_shown_in(queue_ids: int) -> str:
    """SQL that is true of an event `e` that is shown to a viewer of the queues in parameter
    `queue_ids`: what happens there, and what leaves them."""
    return f"({among('e.queue_id', queue_ids)} OR {among('e.from_queue_id', queue_ids)})"


async def contacts_of_tasks(
    scope: Scope, task_ids: Sequence[int], first: int, after: str | None
) -> dict[int, Page[ContactRow]]:
    """The latest contacts of each task, in one statement. Raises `BadInput`."""
    where = Conditions.of(scope, "c", "t.queue_id")
    where.among("c.task_id", list(task_ids))
    if after is not None:
        where.add(f"c.id < ${where.value(read_id_cursor(scope.practice_id, after))}")
    sql = f"""
    SELECT {CONTACT_COLUMNS} FROM (
        SELECT c.*, ROW_NUMBER() OVER (PARTITION BY c.task_id ORDER BY c.id DESC) AS place
        FROM contact c
        JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id WHERE {where}
    ) c WHERE c.place <= {row_limit(first)} ORDER BY c.id DESC
    """
    rows = await fetch(ContactRow, sql, *where.values)
    return {i: page_of([row for row in rows if row.task_id == i], first, after) for i in task_ids}


class Closing(NamedTuple):
    """A task that was closed, and when."""

    closed_at: datetime
    task_id: int


class Closer(NamedTuple):
    """Who closed a task."""

    closing: Closing
    staff: StaffRow


async def closers_of(scope: Scope, closings: Sequence[Closing]) -> list[Closer]:
    """Who closed each of the tasks: who logged the contact that did, else who made the change that
    did, for as long as its event is kept. Those that the clock closed are not among them."""
    where = Conditions.of(scope, "t", "t.queue_id")
    where.among("t.id", [task_id for _, task_id in closings])
    sql = f"""
    SELECT t.closed_at, t.id, {select_list("s", StaffRow)} FROM task t
    LEFT JOIN contact c ON c.practice_id = t.practice_id AND c.id = t.last_contact_id
        AND t.close_cause = '{CloseCause.CONTACT}'
    LEFT JOIN task_event e ON c.id IS NULL AND e.practice_id = t.practice_id AND e.task_id = t.id
        AND e.to_status = '{TaskStatus.CLOSED}' AND e.from_status <> '{TaskStatus.CLOSED}'
        AND e.closed_at = t.closed_at
    JOIN staff s ON s.practice_id = t.practice_id AND s.id = COALESCE(c.logged_by_id, e.actor_id)
    WHERE {where} AND {IS_CLOSED}
    """
    closings_found, staff = await fetch_joined((Closing, StaffRow), sql, *where.values)
    return list(map(Closer, closings_found, staff))


class ContactKey(NamedTuple):
    """A contact of a task. Where a database was restored to an earlier state numbers are given out
    again: the number alone might lead to another patient's contact."""

    id: int
    task_id: int

    @classmethod
    def of(cls, contact: ContactRow) -> "ContactKey":
        return cls(contact.id, contact.task_id)


async def contacts_by_id(scope: Scope, ids: Sequence[int]) -> list[ContactRow]:
    """The contacts among `ids` that the key allows: on tasks of its queues, and those that an event
    there shows though its task has been moved since."""
    where = Conditions.of(scope, "c")
    where.among("c.id", list(ids))
    if scope.queue_ids is not None:
        shown = Conditions(
            [
                "e.practice_id = c.practice_id",
                "e.task_id = c.task_id",
                "e.last_contact_id = c.id",
            ],
            where.values,
        )
        allowed = where.value(list(scope.queue_ids))
        shown.add(event_shown_in(allowed))
        here = among("t.queue_id", allowed)
        where.add(f"({here} OR EXISTS (SELECT 1 FROM task_event e WHERE {shown}))")
    sql = f"""
    SELECT {CONTACT_COLUMNS} FROM contact c
    JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id WHERE {where}
    """
    return await fetch(ContactRow, sql, *where.values)


async def contacts_of(scope: Scope, keys: Sequence[tuple[int, int]]) -> list[ContactRow]:
    """The contacts among `keys`, as `ContactKey`s, that the scope may see."""
    wanted = set(keys)
    found = await contacts_by_id(scope, sorted({contact_id for contact_id, _ in keys}))
    return [contact for contact in found if ContactKey.of(contact) in wanted]


async def undos_of(scope: Scope, contact_ids: Sequence[int]) -> list[ContactUndoRow]:
    """What is known of the undoing of these contacts, which the scope may see."""
    where = Conditions.of(scope, "u")
    where.among("u.contact_id", list(contact_ids))
    sql = f"SELECT {UNDO_COLUMNS} FROM contact_undo u WHERE {where}"
    return await fetch(ContactUndoRow, sql, *where.values)


class _Patient(NamedTuple):
    id: int


async def contacts_of_patients(
    scope: Scope, patient_ids: Sequence[int], first: int, after: str | None
) -> dict[int, Page[ContactRow]]:
    """The latest contacts of each patient, on all tasks that the key allows, in one statement.
    Raises `BadInput`.

    The join is a CROSS JOIN because SQLite then begins with the tasks. It would otherwise read all
    of the practice's contacts while it has no statistics.
    """
    where = Conditions.of(scope, "t", "t.queue_id")
    where.among("t.patient_id", list(patient_ids))
    if after is not None:
        where.add(f"c.id < ${where.value(read_id_cursor(scope.practice_id, after))}")
    sql = f"""
    SELECT c.patient_id, {CONTACT_COLUMNS} FROM (
        SELECT c.*, t.patient_id,
               ROW_NUMBER() OVER (PARTITION BY t.patient_id ORDER BY c.id DESC) AS place
        FROM task t CROSS JOIN contact c
        WHERE {where} AND c.practice_id = t.practice_id AND c.task_id = t.id
    ) c WHERE c.place <= {row_limit(first)} ORDER BY c.id DESC
    """
    rows: dict[int, list[ContactRow]] = {i: [] for i in patient_ids}
    patients, contacts = await fetch_joined((_Patient, ContactRow), sql, *where.values)
    for patient, contact in zip(patients, contacts, strict=True):
        rows[patient.id].append(contact)
    return {i: page_of(rows[i], first, after) for i in patient_ids}


async def staff_by_id(scope: Scope, ids: Sequence[int]) -> list[StaffRow]:
    """Those among `ids` who act at the scope's practice. The ids come from rows that the key sees:
    a row also shows the people it names. For ids that come from a client see `colleagues_by_id`."""
    where = Conditions.of(scope, "s")
    where.among("s.id", list(ids))
    return await _select_staff(where)


async def colleagues_by_id(viewer: Viewer, ids: Sequence[int]) -> list[StaffRow]:
    """Those among `ids` whom the key may ask for: for a limited key its holder, and everyone who
    has or had a key for one of its queues; for a partner's key its holder alone."""
    where = Conditions.of(viewer, "s")
    where.among("s.id", list(ids))
    if not viewer.may_see_who_works:
        where.add(f"s.id = ${where.value(viewer.staff_id)}")
    elif viewer.queue_ids is not None:
        itself = where.value(viewer.staff_id)
        key = f"""SELECT 1 FROM access_key k WHERE k.practice_id = s.practice_id
            AND k.staff_id = s.id AND {key_reaches(where, viewer.queue_ids)}"""
        where.add(f"(s.id = ${itself} OR EXISTS ({key}))")
    return await _select_staff(where)


def key_reaches(where: Conditions, queue_ids: frozenset[int]) -> str:
    """SQL that is true of an access key `k` that allows one of the queues, bound in `where`."""
    allowed = where.value(list(queue_ids))
    return f"(k.queue_ids IS NULL OR {any_among('k.queue_ids', allowed)})"


def can_call(where: Conditions, viewer: Viewer, now: datetime) -> str:
    """SQL that is true of a member of staff `s` whom the viewer may give tasks to. One who has no
    key, or whose key is a partner's, would never call anybody; neither would one whose key is for
    other queues than those that the tasks can be in. A guest comes and goes, and works at home."""
    until = where.value(now)
    reaches = "" if viewer.queue_ids is None else f"AND {key_reaches(where, viewer.queue_ids)}"
    may_call = one_of("k.role", who_may(Action.LOG_CONTACTS))
    return f"""EXISTS (
        SELECT 1 FROM access_key k
        WHERE k.practice_id = s.practice_id AND k.staff_id = s.id AND {may_call} {reaches}
          AND k.kind NOT IN ('GUEST', 'VISIT')
          AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ${until}))"""


async def _select_staff(where: Conditions) -> list[StaffRow]:
    sql = f"SELECT s.id, s.practice_id, s.name FROM staff s WHERE {where}"
    return await fetch(StaffRow, sql, *where.values)


async def events_page(
    scope: Scope, first: int, after: str | None, queue_ids: list[int] | None
) -> Page[EventRow]:
    """The events after the cursor `after`, oldest first. Raises `BadInput`, and `Resync` if some of
    them are no longer kept, or the cursor's event is not in the practice's history."""
    where = Conditions.of(scope, "e")
    if not scope.may_see_who_works:
        where.add(f"NOT {one_of('e.kind', sorted(CLAIM_KINDS))}")
    allowed = scope.allowed(queue_ids)
    if allowed is not None:
        where.add(event_shown_in(where.value(list(allowed))))
    if after is None:
        events = await select_events(str(where), row_limit(first), where.values)
        return page_of(events, first, after)
    position = read_event_cursor(scope.practice_id, after)
    where.add(f"e.seq > ${where.value(position.seq)}")
    async with snapshot():
        await check_resumable(scope.practice_id, position)
        events = await select_events(str(where), row_limit(first), where.values)
    return page_of(events, first, after)

"""The queues of a practice: created, changed, and put in order.

How one is archived, with what becomes of its tasks, stands in archiving.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.reads.queues import QueueRow
from gql_app.work.results import missing
from models.database import fetch, for_update_but_its_key, insert, select_list, write
from models.queue_checks import MAX_QUEUES, OF_QUEUE
from models.refusals import Refusal, RefusalCode
from models.setting_checks import check_all

TOO_MANY = Refusal(
    RefusalCode.TOO_MANY_QUEUES, f"A practice has at most {MAX_QUEUES} queues. Archive one first."
)


class QueueResult(NamedTuple):
    """What came of a change of a queue: the queue as it is now, the refusals, and the columns that
    were different before."""

    queue: QueueRow | None
    refusals: tuple[Refusal, ...] = ()
    changed: tuple[str, ...] = ()


async def create_queue(
    change: Change, given: Mapping[str, object], position: int | None = None
) -> QueueResult:
    """Create a queue with the settings that are given (`OF_QUEUE`), the last one unless a
    `position` is given. Raises `Forbidden`."""
    require_set_up(change)
    result = await make_queue(change, given, position)
    if result.queue is not None:
        change.note_setting(f"queue {result.queue.id} created")
    return result


async def make_queue(
    change: Change, given: Mapping[str, object], position: int | None = None
) -> QueueResult:
    """Create a queue, within a change that says so itself."""
    rows = await lock_queues(change.practice_id)
    values, refusals = check_all({"name": "", **given}, OF_QUEUE)
    refusals += _name_taken(rows, values, None)
    refusals += _too_many(rows)
    if refusals:
        return QueueResult(None, refusals)
    last = max((row.position for row in rows), default=-1)
    queue_id = await insert(
        "queue",
        **({"closes_on_appointment": False, "closes_at_max_attempts": False} | values),
        practice_id=change.practice_id,
        position=last + 1,
        created_at=change.now,
    )
    if position is not None:
        await _move(await lock_queues(change.practice_id), queue_id, position)
    return QueueResult(await queue_now(change.practice_id, queue_id))


async def update_queue(
    change: Change,
    queue_id: int,
    given: Mapping[str, object],
    position: int | None = None,
    *,
    bring_back: bool = False,
) -> QueueResult:
    """Change the settings that are given (`OF_QUEUE`); None takes one away. `position` is its place
    among the queues in use, from 0. Tasks that are there keep their expiry. Raises `Forbidden`."""
    require_set_up(change)
    rows = await lock_queues(change.practice_id)
    queue = next((row for row in rows if row.id == queue_id), None)
    if queue is None:
        return QueueResult(None, (missing("queue", "id"),))
    values, refusals = check_all(given, OF_QUEUE)
    refusals += _name_taken(rows, values, queue_id)
    if queue.archived_at is not None:
        refusals += _too_many(rows) if bring_back else (archived(queue, "id"),)
    if refusals:
        return QueueResult(queue, refusals)
    told = await _write(queue, values, bring_back=bring_back)
    if position is not None:
        rows = [row._replace(archived_at=None) if row.id == queue_id else row for row in rows]
        told += ["position"] * await _move(rows, queue_id, position)
    if told:
        change.note_setting(f"queue {queue_id}: {', '.join(told)}")
    return QueueResult(await queue_now(change.practice_id, queue_id), changed=tuple(told))


async def order_queues(change: Change, ids: Sequence[int]) -> bool:
    """Put these queues first, in this order; the others follow as they stand. Whether any was
    moved. Raises `Forbidden`."""
    require_set_up(change)
    rows = {row.id: row for row in await lock_queues(change.practice_id)}
    first = [rows.pop(queue_id) for queue_id in ids if queue_id in rows]
    is_moved = await _renumber([*first, *rows.values()])
    if is_moved:
        change.note_setting("order of the queues")
    return is_moved


async def lock_queues(practice_id: int) -> list[QueueRow]:
    """All queues of a practice in their order, locked, so that their names and places stay as they
    are until the transaction ends. New tasks are not held up."""
    sql = f"""SELECT {select_list("q", QueueRow)} FROM queue q WHERE q.practice_id = $1
    ORDER BY q.id {for_update_but_its_key()}"""
    rows = await fetch(QueueRow, sql, practice_id)
    return sorted(rows, key=lambda row: (row.position, row.id))


async def queue_now(practice_id: int, queue_id: int) -> QueueRow:
    """A queue as it is within this transaction."""
    sql = f"""SELECT {select_list("q", QueueRow)} FROM queue q
    WHERE q.practice_id = $1 AND q.id = $2"""
    return (await fetch(QueueRow, sql, practice_id, queue_id))[0]


def archived(queue: QueueRow, field: str | None) -> Refusal:
    """The refusal of what is to be done with an archived queue."""
    return Refusal(
        RefusalCode.QUEUE_ARCHIVED,
        f"The queue {queue.name!r} is archived. Bring it back first.",
        field,
    )


def require_set_up(change: Change) -> None:
    """Raise `Forbidden` if the viewer may not. Whoever has the database at the command line may."""
    if change.by is not None:
        change.by.require(change.by.may_set_up, "change the practice or its queues")


def _name_taken(
    rows: Sequence[QueueRow], values: Mapping[str, str], queue_id: int | None
) -> tuple[Refusal, ...]:
    """Why a queue cannot have the name among `values`: people could not tell it from another."""
    name = values.get("name", "")
    for row in rows:
        if row.id != queue_id and row.name.casefold() == name.casefold():
            kept = "An archived" if row.archived_at else "Another"
            more = " Bring it back, or take another name." if row.archived_at else ""
            message = f"{kept} queue is called {row.name!r}.{more}"
            return (Refusal(RefusalCode.NAME_TAKEN, message, "name"),)
    return ()


def _too_many(rows: Sequence[QueueRow]) -> tuple[Refusal, ...]:
    """Why the practice cannot have one more queue in use."""
    in_use = sum(row.archived_at is None for row in rows)
    return (TOO_MANY,) if in_use >= MAX_QUEUES else ()


async def _write(queue: QueueRow, values: Mapping[str, object], *, bring_back: bool) -> list[str]:
    """Write what is different. Returns the names of the columns."""
    sql = "SELECT script FROM queue WHERE practice_id = $1 AND id = $2"
    known = queue._asdict() | {"script": (await fetch(_Script, sql, *_key(queue)))[0].script}
    new = {column: value for column, value in values.items() if known[column] != value}
    if bring_back and queue.archived_at is not None:
        new["archived_at"] = None
    if new:
        columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(new, start=3))
        sql = f"UPDATE queue SET {columns} WHERE practice_id = $1 AND id = $2"
        await write(sql, *_key(queue), *new.values())
    return list(new)


class _Script(NamedTuple):
    script: str | None


async def _move(rows: Sequence[QueueRow], queue_id: int, position: int) -> bool:
    """Put a queue at a place among those in use. Whether any was moved."""
    rows = [row for row in rows if row.archived_at is None]
    others = [row for row in rows if row.id != queue_id]
    moved = [row for row in rows if row.id == queue_id]
    place = max(0, position)
    return await _renumber([*others[:place], *moved, *others[place:]])


async def _renumber(rows: Sequence[QueueRow]) -> bool:
    """Number the queues as they come, those in use. Whether any has another number now."""
    is_moved = False
    for position, row in enumerate(row for row in rows if row.archived_at is None):
        if row.position != position:
            is_moved = True
            sql = "UPDATE queue SET position = $3 WHERE practice_id = $1 AND id = $2"
            await write(sql, *_key(row), position)
    return is_moved


def _key(queue: QueueRow) -> tuple[int, int]:
    return queue.practice_id, queue.id

"""One change of many tasks, a batch at a time.

Each batch is a change of its own. Then it rests as long as it has held its locks: people who log
contacts meanwhile wait for one batch at most, and have half of the time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change, Changes
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.locking import lock_tasks
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.queues import count_tasks, task_ids, tasks_by_id
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.results import NOT_FOUND
from models.refusals import TASK_CLOSED, Refusal
from models.task import TaskRow

MAX_TASKS = 10_000

BATCH = 50
COUNTED = 500
"""How many tasks a dry run reads at a time."""
SHOWN = 100
"""How many of the skipped tasks are named."""


class Skipped(NamedTuple):
    """A task that was not changed, and why. The patient is None if there is no such task here."""

    task_id: int
    refusal: Refusal
    patient_id: int | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it. The tasks that were meant (`matched`) are changed, skipped, or were already
    as they should be; `skipped` names the first of the skipped."""

    matched: int = 0
    changed: int = 0
    skipped: tuple[Skipped, ...] = ()
    skipped_count: int = 0
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of change. `is_needed` says whether a task is not yet as it should be; `carry_out`
    changes locked tasks, at least one. If it `spares_calls`, tasks that another has claimed are
    left alone: nobody's call is pulled from under them."""

    is_needed: Callable[[TaskRow], bool]
    carry_out: Callable[[Change, Sequence[TaskRow]], Awaitable[None]]
    spares_calls: bool = True


@dataclass(slots=True)
class _Tally:
    to_change: list[TaskRow] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    locked_at: float = 0.0


async def move_all(
    changes: Changes,
    viewer: Viewer,
    which: list[int] | TaskQuery,
    move: Move,
    *,
    dry_run: bool,
) -> Moved:
    """Carry a change out on the tasks `which`, or only count. Raises `BadInput` for too many.

    An error leaves the batches before it changed.
    """
    ids = await _ids(viewer, which)
    so_far = Moved(matched=len(ids))
    size = COUNTED if dry_run else BATCH
    for begin in range(0, len(ids), size):
        batch = ids[begin : begin + size]
        if dry_run:
            tasks = await tasks_by_id(viewer, batch)
            tally = await _tally(viewer, batch, tasks, move, changes.clock())
        else:
            tally = await changes.make(viewer, _move_batch, batch, move)
            await asyncio.sleep(time.monotonic() - tally.locked_at)
        so_far = replace(
            so_far,
            changed=so_far.changed + len(tally.to_change),
            skipped=(*so_far.skipped, *tally.skipped)[:SHOWN],
            skipped_count=so_far.skipped_count + len(tally.skipped),
        )
    return so_far


async def _move_batch(change: Change, batch: list[int], move: Move) -> _Tally:
    tasks = await lock_tasks(change.viewer, batch)
    locked_at = time.monotonic()
    tally = await _tally(change.viewer, batch, tasks, move, change.now)
    tally.locked_at = locked_at
    if tally.to_change:
        await move.carry_out(change, tally.to_change)
    return tally


async def _ids(viewer: Viewer, which: list[int] | TaskQuery) -> list[int]:
    """The tasks that are meant, each once. A filter is looked at once: what comes to match it
    later is left alone."""
    if isinstance(which, list):
        ids = sorted(set(which))
        if not 1 <= len(ids) <= MAX_TASKS:
            raise BadInput(f"ids names 1 to {MAX_TASKS:,} tasks, not {len(ids):,}.")
        return ids
    found = await task_ids(viewer, which, MAX_TASKS + 1)
    if len(found) > MAX_TASKS:
        number = await count_tasks(viewer, which)
        raise BadInput(f"The filter matches {number:,} tasks; at most {MAX_TASKS:,} at once.")
    return found


async def _tally(
    viewer: Viewer, asked: list[int], found: list[TaskRow], move: Move, now: datetime
) -> _Tally:
    tasks = {task.id: task for task in found}
    tally = _Tally()
    for task_id in asked:
        task = tasks.get(task_id)
        refusal = NOT_FOUND if task is None else await _refusal(viewer, task, move, now)
        if refusal is not None:
            patient = None if task is None else task.patient_id
            tally.skipped.append(Skipped(task_id, refusal, patient))
        elif task is not None and move.is_needed(task):
            tally.to_change.append(task)
    return tally


async def _refusal(viewer: Viewer, task: TaskRow, move: Move, now: datetime) -> Refusal | None:
    """Why a task is left alone."""
    if not task.is_open or task.has_expired(now):
        return TASK_CLOSED
    return await claimed_by_other(viewer, task, now) if move.spares_calls else None

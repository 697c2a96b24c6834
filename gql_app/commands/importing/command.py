"""Imports a file: reads, loads a batch, puts aside what is rejected, and says how far it is."""

import os
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gql_app.access import Origin
from gql_app.access.keys import (
    NotThere,
    command_line_viewer,
    practice_called,
    queues_called,
    staff_called,
)
from gql_app.clock import Clock
from gql_app.commands.importing.files import opened_text, opened_workbook
from gql_app.commands.importing.rejects import Rejects
from gql_app.live.bus import ringing
from gql_app.terminal import note, say
from gql_app.work.changes import Changes
from gql_app.work.imports.batch import RowResult
from gql_app.work.imports.jobs import ImportOrder, begin_run, end_run
from gql_app.work.imports.matching import Wanted, read_choice
from gql_app.work.imports.reading import WORKBOOK, Source
from gql_app.work.imports.records import CannotImport, FileCode, Record, Trouble
from gql_app.work.imports.rows import MAX_SOURCE, ImportResult, ImportRow
from gql_app.work.imports.run import BATCH, Import
from gql_app.work.reads.conditions import BadInput, is_storable
from gql_app.work.reads.imports import awaiting_guarantors, last_matching
from gql_app.work.reads.targets import find_target
from models.checks import BadValue, checked_region, checked_time_zone
from models.database import opened
from models.limits import USUAL_LIMITS, Limits
from models.practice import Practice
from models.text import trimmed

ACTOR = "callboard import"
"""Who is on record as having made the tasks."""
ARCHIVED = "The queue {queue!r} is archived. Bring it back, or name another one."


class Order(NamedTuple):
    """What is to be imported: a file, into which queue, in whose numbering, where its rejects go,
    whether only to try, and which columns are `chosen` for which fields (Phone=Telefon)."""

    path: Path
    practice: str
    queue: str
    source: str
    rejects: Path | None
    dry_run: bool
    chosen: Sequence[str] = ()


async def import_file(
    database_url: str, bus_url: str, order: Order, limits: Limits = USUAL_LIMITS
) -> int:
    """Carry the order out. Returns the command's exit code: 0 if every row is in, 1 if some were
    rejected. Raises `CannotImport`; cut off, it says how far it had come and can be run again."""
    order = order._replace(source=trimmed(order.source))
    if not (0 < len(order.source) <= MAX_SOURCE and is_storable(order.source)):
        message = f"A source's name has 1 to {MAX_SOURCE} characters."
        raise CannotImport(FileCode.NOT_FOUND, message)
    chosen = read_choice(order.chosen)
    is_workbook = order.path.suffix.lower() == WORKBOOK
    suffix = ".csv" if is_workbook else order.path.suffix
    rejects_path = order.rejects or order.path.with_suffix(f".rejects{suffix}")
    if rejects_path.resolve() == order.path.resolve():
        raise CannotImport(FileCode.FILE_NOT_READABLE, "The rejects would overwrite the file.")
    opened_file = opened_workbook(order.path) if is_workbook else opened_text(order.path)
    with opened_file as (file, has_mark):
        _check_place(rejects_path)
        if is_workbook:  # it is read as a whole before anything is known of it
            note(f"reading {order.path.name}")
        async with opened(database_url, limits):
            practice = await _practice_of(order)
            reader = command_line_viewer(practice, 0, ACTOR)
            wanted = Wanted(chosen, await last_matching(reader, order.source))
            source = Source(file, order.path, has_mark=has_mark, wanted=wanted)
            for what in source.notes:
                note(what)
            async with _run_of(order, practice, source, bus_url) as (run, tally):
                with Rejects(rejects_path, source) as rejects, _bar(file, order.path) as bar:
                    try:
                        await _load(source, run, rejects, bar, tally)
                    except BaseException as error:
                        bar.end()
                        say(f"cut off: {tally}. Run it again: nothing is doubled.")
                        if isinstance(error, BadInput):  # the queue, or this import, is gone
                            raise CannotImport(FileCode.NOT_FOUND, str(error)) from None
                        raise
    say(tally)
    if tally.awaiting:
        say(
            f"{tally.awaiting:,} patients of {order.source} have a guarantor who has not come in,"
            " or cannot answer for them."
        )
    if not tally[ImportResult.REJECTED]:
        return 0
    say(f"rejects: {rejects_path}")
    return 1


def _check_place(path: Path) -> None:
    """Before anything is loaded: to find out with the first row that is rejected would be late."""
    folder = path.absolute().parent
    if path.is_dir() or not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        message = f"{path} cannot be written to: is its folder there, and yours?"
        raise CannotImport(FileCode.REJECTS_NOT_WRITABLE, message)


class Tally(Counter[ImportResult]):
    """How many rows came to what, in how long. `awaiting` are the patients of the source whose
    guarantors are not set."""

    def __init__(self, is_trial: bool) -> None:
        super().__init__()
        self.awaiting = 0
        self._is_trial = is_trial
        self._begun = time.monotonic()

    def __str__(self) -> str:
        figures = ", ".join(
            f"{self[result]:,} {result.lower().replace('_', ' ')}" for result in ImportResult
        )
        trial = "a trial, nothing was written: " if self._is_trial else ""
        seconds = time.monotonic() - self._begun
        return f"{trial}{self.total():,} read, {figures}, in {seconds:.1f} s"


async def _load(source: Source, run: Import, rejects: Rejects, bar: "_Bar", tally: Tally) -> None:
    read: deque[list[Record]] = deque()

    def batches() -> Iterator[list[ImportRow]]:
        while records := list(islice(source.records, BATCH)):
            read.append(records)
            yield [record.row for record in records if record.row is not None]

    async with aclosing(run.take_all(batches())) as taken:
        async for results in taken:
            coming = iter(results)
            for record in read.popleft():
                result, trouble = _result_of(record, coming)
                tally[result] += 1
                if trouble is not None:
                    rejects.add(record, trouble)
            bar.show(tally.total())


def _result_of(record: Record, results: Iterator[RowResult]) -> tuple[ImportResult, Trouble | None]:
    if record.row is None:
        return ImportResult.REJECTED, record.trouble
    result, _, refusals, _ = next(results)
    if not refusals:
        return result, None
    columns = [_column(refusal.field) for refusal in refusals]
    reason = " ".join(
        f"{column}: {refusal.message}" for column, refusal in zip(columns, refusals, strict=True)
    )
    return result, Trouble(columns[0], refusals[0].code, reason)


def _column(field: str | None) -> str:
    """The column that a refusal's field is called in a file."""
    named = {name.replace("_", ""): name for name in ImportRow._fields}
    return named.get((field or "").lower(), "")


async def _practice_of(order: Order) -> Practice:
    """The practice, if its rows can be read. Raises `CannotImport`."""
    try:
        practice = await practice_called(order.practice)
        await queues_called(practice, [order.queue])
    except NotThere as error:
        raise CannotImport(FileCode.NOT_FOUND, str(error)) from None
    try:
        checked_time_zone(practice.time_zone)
        checked_region(practice.region)
    except BadValue as error:
        message = f"{practice.slug} has a wrong value, which callboard practices set mends: {error}"
        raise CannotImport(FileCode.PRACTICE_INVALID, message) from None
    return practice


@asynccontextmanager
async def _run_of(
    order: Order, practice: Practice, source: Source, bus_url: str
) -> AsyncIterator[tuple[Import, Tally]]:
    """The run, and the count of what comes of its rows; both are an import that can be undone."""
    (queue_id,) = await queues_called(practice, [order.queue])
    tally = Tally(order.dry_run)
    async with ringing(bus_url) as ring:
        changes = Changes(ring, await Clock.of_database()).asked(Origin(ACTOR))
        actor = 0 if order.dry_run else await changes.make_for(practice.id, staff_called, ACTOR)
        viewer = command_line_viewer(practice, actor, ACTOR)
        target = await find_target(viewer, queue_id)
        if target is None:
            raise CannotImport(FileCode.NOT_FOUND, ARCHIVED.format(queue=order.queue))
        job_id = None
        if not order.dry_run:
            where = ImportOrder(queue_id, order.source, source.columns)
            job_id = await changes.make(viewer, begin_run, order.path.name, where)
        try:
            trial = order.dry_run
            run = Import(changes, viewer, target, order.source, is_trial=trial, job_id=job_id)
            yield run, tally
            if not trial:
                awaiting = await awaiting_guarantors(viewer, [order.source])
                tally.awaiting = sum(found.number for found in awaiting)
        finally:
            if job_id is not None:
                await changes.make(viewer, end_run, job_id, tally)
            await changes.drain()


class _Bar:
    """How much of the file is done. Shown on a terminal only."""

    def __init__(self, progress: Progress, task: TaskID, file: TextIO | BinaryIO) -> None:
        self._progress = progress
        self._task = task
        self._file = file

    def show(self, rows: int) -> None:
        # The text itself cannot tell its position line by line.
        read = getattr(self._file, "buffer", self._file).tell()
        self._progress.update(self._task, completed=read, rows=f"{rows:,}")

    def end(self) -> None:
        self._progress.stop()


@contextmanager
def _bar(file: TextIO | BinaryIO, path: Path) -> Iterator[_Bar]:
    console = Console(stderr=True)
    progress = Progress(
        TextColumn(path.name),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rows]} rows"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with progress:
        yield _Bar(progress, progress.add_task("", total=path.stat().st_size, rows="0"), file)

"""What would come of a file that was sent, before it is started. Nothing is changed."""

import json
from collections import Counter
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Changes
from gql_app.work.imports.jobs import ImportOrder, prepare, refusal_of, wanted_columns
from gql_app.work.imports.matching import match_columns, tried
from gql_app.work.imports.records import CannotImport
from gql_app.work.imports.rows import ImportResult
from gql_app.work.imports.run import BATCH, Import
from gql_app.work.reads.imports import KeptRow, waiting_rows
from gql_app.work.reads.targets import find_target
from gql_app.work.results import missing
from models.importing import ImportJobRow
from models.refusals import Refusal

LOOKED_AT = 2_000
"""Rows that are tried."""
SAMPLES, SHOWN = 5, 10
"""Rows that are shown as they are, and rejects that are."""


class Preview(NamedTuple):
    """`columns` are the file's by their fields; those in `guessed` nobody has chosen. `results`
    count the first rows, and `refusals` say why the import cannot be started so."""

    columns: dict[str, str]
    guessed: frozenset[str]
    samples: list[KeptRow]
    looked_at: int = 0
    results: Counter[ImportResult] = Counter()  # noqa: RUF012 - it never changes
    rejects: tuple[tuple[KeptRow, tuple[Refusal, ...]], ...] = ()
    refusals: tuple[Refusal, ...] = ()


async def preview_import(
    changes: Changes, viewer: Viewer, job: ImportJobRow, order: ImportOrder
) -> Preview:
    """What would come of a file. Raises `Forbidden`."""
    kept = await waiting_rows(viewer.practice_id, job.id, LOOKED_AT)
    samples, names = kept[:SAMPLES], json.loads(job.names)
    wanted = await wanted_columns(viewer, order)
    try:
        matched = tried(names, wanted)
    except CannotImport as error:
        return Preview(dict(wanted.chosen), frozenset(), samples, refusals=(refusal_of(error),))
    found = Preview(matched.columns, matched.guessed, samples)
    try:
        match_columns(names, wanted)
    except CannotImport as error:
        return found._replace(refusals=(refusal_of(error),))
    target = await find_target(viewer, order.queue_id)
    if target is None:
        return found._replace(refusals=(missing("queue", "queueId"),))
    job = job._replace(matching=json.dumps(matched.columns))
    run = Import(changes, viewer, target, order.source, is_trial=True)
    results: Counter[ImportResult] = Counter()
    rejects: list[tuple[KeptRow, tuple[Refusal, ...]]] = []
    for begin in range(0, len(kept), BATCH):
        rows = [prepare(job, target, row) for row in kept[begin : begin + BATCH]]
        good = await run.take_checked([row.row for row in rows])
        for row, result in zip(rows, good, strict=True):
            results[result.result] += 1
            if result.refusals and len(rejects) < SHOWN:
                rejects.append((row.kept, result.refusals))
    return found._replace(looked_at=len(kept), results=results, rejects=tuple(rejects))

"""Files that are sent in: read once, and kept row by row until the rows have come in."""

import asyncio
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change, Changes
from gql_app.work.imports.form import Form
from gql_app.work.imports.reading import CSV, WORKBOOK, Source
from gql_app.work.imports.records import NOT_UTF_8, CannotImport, FileCode, Record, not_utf_8
from models.audit import AuditAction
from models.database import Number, fetch, insert, insert_many, write
from models.importing import MAX_FILE_NAME, ImportState
from models.text import trimmed

MAX_SENT = 20_000_000
"""Bytes of a file."""
MAX_ROWS = 200_000
MAX_WAITING = 20
"""Files of a practice that have been sent and not been started."""

AT_ONCE = 500
"""Rows that are read, and kept, before others have a turn."""

ROW_CODES = frozenset({FileCode.ROW_MALFORMED, FileCode.LINE_TOO_LONG})
"""What is wrong with a row whatever its columns mean."""


class SentFile(NamedTuple):
    """A file, opened: what it is called, and what stands in it."""

    name: str
    form: Form
    records: Iterator[Record]


def open_sent(content: bytes, name: str) -> SentFile:
    """Open a file that was sent. Raises `CannotImport`."""
    name = trimmed(PurePath(_storable(name).replace("\\", "/")).name)[-MAX_FILE_NAME:] or "file"
    if len(content) > MAX_SENT:
        raise too_large()
    path, file = PurePath(name), io.BytesIO(content)
    if path.suffix.lower() == WORKBOOK:
        source = Source(file, path, wanted=None)
    elif path.suffix.lower() in CSV:
        if what := not_utf_8(content[:4096]):
            message = f"The file is {what}, not UTF-8: in Excel, save it as “CSV UTF-8”."
            raise CannotImport(FileCode.FILE_ENCODING, message)
        text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        source = Source(text, path, wanted=None)
    else:
        raise CannotImport(FileCode.FILE_TYPE_UNKNOWN, f"{name} is neither .csv nor .xlsx.")
    assert source.form is not None
    return SentFile(name, source.form, source.records)


def too_large() -> CannotImport:
    message = f"The file is larger than {MAX_SENT // 1_000_000} MB: send it in parts."
    return CannotImport(FileCode.FILE_TOO_LARGE, message)


async def keep_file(changes: Changes, viewer: Viewer, content: bytes, name: str) -> int:
    """Read a file and keep its rows. Returns the number of its import. Raises `CannotImport`, and
    `Forbidden`: then nothing is kept."""
    viewer.require(viewer.may_import, "import tasks")
    # A thread: a workbook takes seconds, and the others are not to wait for it.
    sent = await asyncio.to_thread(open_sent, content, name)
    job_id = await changes.make(viewer, _begin, sent)
    try:
        total = rejected = 0
        while rows := await asyncio.to_thread(_next, sent.records):
            total += len(rows)
            if total > MAX_ROWS:
                message = f"The file has over {MAX_ROWS:,} rows: send it in parts."
                raise CannotImport(FileCode.FILE_TOO_LARGE, message)
            rejected += await changes.make(viewer, _keep, job_id, sent.form, rows)
        if not total:
            raise CannotImport(FileCode.FILE_EMPTY, "The file has columns and no rows.")
    except BaseException:
        await changes.make(viewer, discard, job_id)
        raise
    await changes.make(viewer, _end, job_id, total, rejected)
    return job_id


def _next(records: Iterator[Record]) -> list[Record]:
    return list(islice(records, AT_ONCE))


async def _begin(change: Change, sent: SentFile) -> int:
    sql = f"""SELECT COUNT(*) FROM import_job WHERE practice_id = $1
    AND state IN ('{ImportState.SENDING}', '{ImportState.UPLOADED}') AND started_at IS NULL"""
    [waiting] = await fetch(Number, sql, change.practice_id)
    if waiting.number >= MAX_WAITING:
        message = f"{MAX_WAITING} files are waiting: start their imports, or wait for a day."
        raise CannotImport(FileCode.FILE_TOO_LARGE, message)
    return await insert_job(
        change, sent.name, state=ImportState.SENDING, names=json.dumps(sent.form.names)
    )


async def insert_job(change: Change, file_name: str, **given: object) -> int:
    """Insert an import of the viewer's. Returns its number."""
    usual = {"names": "[]", "matching": "{}"} | _COUNTS
    return await insert(
        "import_job",
        **usual
        | {
            "practice_id": change.practice_id,
            "file_name": file_name,
            "created_at": change.now,
        }
        | rights_of(change.viewer)
        | given,
    )


def rights_of(viewer: Viewer) -> dict[str, object]:
    """Whose an import is, and with which rights its rows come in."""
    limited = None if viewer.queue_ids is None else json.dumps(sorted(viewer.queue_ids))
    return {"staff_id": viewer.staff_id, "key_id": viewer.key_id or None, "queue_ids": limited}


_COUNTS = dict.fromkeys(
    (
        *("total", "taken", "created", "updated", "unchanged", "already_open"),
        *("suppressed", "booked", "rejected", "taken_back", "left_alone"),
    ),
    0,
)


async def _keep(change: Change, job_id: int, form: Form, records: list[Record]) -> int:
    """Keep rows. Returns how many are rejected whatever their columns mean."""
    rows = []
    for record in records:
        cells = [record.cells.get(column) for column in form.columns]
        if record.trouble is not None and record.trouble.code in ROW_CODES:
            text = str(record.cells.get("reject_text", ""))
            refusals = json.dumps([[record.trouble.code, record.trouble.reason, None]])
            cells = [text, *[""] * (len(form.names) - 1)]
        else:
            refusals = None
        rows.append(
            {
                "practice_id": change.practice_id,
                "job_id": job_id,
                "line": record.line,
                "cells": json.dumps(["" if cell is None else _storable(cell) for cell in cells]),
                "refusals": refusals,
            }
        )
    await insert_many("import_record", rows, "id")
    return sum(row["refusals"] is not None for row in rows)


def _storable(cell: object) -> str:
    """What is not UTF-8 is marked: its row is rejected and can be mended."""
    return re.sub("[\0\ud800-\udfff]", NOT_UTF_8, str(cell))


async def _end(change: Change, job_id: int, total: int, rejected: int) -> None:
    sql = """UPDATE import_job SET state = $3, total = $4, rejected = $5
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, change.practice_id, job_id, ImportState.UPLOADED, total, rejected)
    change.note(AuditAction.CHANGE, f"import {job_id} sent")


async def discard(change: Change, job_id: int) -> None:
    """Remove an import that has made nothing."""
    for table, column in (("import_record", "job_id"), ("import_job", "id")):
        sql = f"DELETE FROM {table} WHERE practice_id = $1 AND {column} = $2"
        await write(sql, change.practice_id, job_id)

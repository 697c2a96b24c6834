"""`callboard audit export`: who read or changed patients' data, as CSV or JSON Lines."""

import argparse
import asyncio
import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from typing import NamedTuple

from gql_app.access import Origin, Scope
from gql_app.access.keys import NotThere, command_line_viewer, practice_called
from gql_app.clock import Clock
from gql_app.schema.ids import global_id, read_id_of
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.access_log import note_export
from gql_app.work.changes import Changes
from gql_app.work.reads.audit import AuditQuery, audit_rows
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.history import staff_by_id
from gql_app.work.ringing import ring_nobody
from models.audit import AuditRow, audit_bounds
from models.checks import BadValue
from models.database import opened

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would carry out."""


class Exported(NamedTuple):
    """A row of the audit as it is exported. Patients and tasks are named by their global ids."""

    seq: int
    at: str
    action: str
    operation: str
    result: str
    staff: str | None
    key: int | None
    address: str | None
    patient: str | None
    task: str | None
    notes: bool
    detail: str | None


def run_export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the rows, oldest first. That they were exported is recorded in the audit."""
    asyncio.run(_export(arguments, settings))
    return 0


async def _export(arguments: argparse.Namespace, settings: Settings) -> None:
    line = {"csv": _csv_line, "jsonl": _json_line}[arguments.format]
    async with opened(settings.database_url, settings.limits):
        practice = await practice_called(arguments.practice)
        patient = _patient(arguments.patient)
        query = AuditQuery(patient, None, arguments.first, arguments.last)
        through = (await audit_bounds(practice.id)).seq
        changes = Changes(ring_nobody, await Clock.of_database())
        asked = changes.asked(Origin("callboard audit export"))
        await asked.make_for(practice.id, note_export, query)
        scope = command_line_viewer(practice, 0, "").scope
        if arguments.format == "csv":
            say(",".join(Exported._fields))
        try:
            await _print(scope, query, through, line)
        except BadInput as error:
            raise BadValue(str(error)) from None


async def _print(
    scope: Scope, query: AuditQuery, through: int, line: Callable[[Exported], str]
) -> None:
    names: dict[int, str] = {}
    async for rows in audit_rows(scope, query, through):
        new = {row.staff_id for row in rows if row.staff_id is not None} - names.keys()
        if new:
            names |= {staff.id: staff.name for staff in await staff_by_id(scope, sorted(new))}
        for exported in _exported(rows, names):
            say(line(exported))


def _exported(rows: list[AuditRow], names: dict[int, str]) -> Iterator[Exported]:
    for row in rows:
        yield Exported(
            row.seq,
            _moment(row.at),
            row.action,
            row.operation,
            row.result,
            None if row.staff_id is None else names.get(row.staff_id),
            row.key_id,
            row.address,
            None if row.patient_id is None else global_id("Patient", row.patient_id),
            None if row.task_id is None else global_id("Task", row.task_id),
            row.notes,
            row.detail,
        )


def _patient(given: str | None) -> int | None:
    """The number of a patient, from the number itself or from the id that clients see."""
    if given is None:
        return None
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    try:
        return read_id_of("Patient", given)
    except BadInput:
        raise NotThere(f"--patient takes a patient's id or number, not {given!r}.") from None


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv_line(row: Exported) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(map(_cell, row))
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text


def _json_line(row: Exported) -> str:
    return json.dumps(row._asdict(), ensure_ascii=False)

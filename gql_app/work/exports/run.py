"""An export: who may, what the audit says of it, and the bytes of the file."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import fields
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.access_log import Access
from gql_app.work.changes import Change, Changes
from gql_app.work.exports.forms import Csv, Form, JsonLines, Zipped
from gql_app.work.exports.parquet import Parquet
from gql_app.work.exports.reports import ACTIVITY, AUDIT, QUEUES, check_period
from gql_app.work.exports.tables import CONTACTS, EVERY_TASK, TASKS, ExportQuery, Table, Window
from gql_app.work.reads.audit import check_dates
from gql_app.work.reads.conditions import BadInput
from models.audit import AuditAction, audit_bounds

TABLES = {table.name: table for table in (TASKS, CONTACTS, ACTIVITY, QUEUES, AUDIT)}
ALL = (TASKS, CONTACTS, ACTIVITY)
"""What `all` means."""

FORMS = ("csv", "jsonl", "parquet")

MOST_TOLD = 100_000
"""Patients of an export that are remembered as noted. Then some are noted twice."""


class Order(NamedTuple):
    """What is to be exported: tables, in one of `FORMS`, and what of them."""

    tables: Sequence[Table]
    form: str
    query: ExportQuery

    @property
    def extension(self) -> str:
        """How the file's name ends."""
        return "zip" if len(self.tables) > 1 and self.form != "jsonl" else self.form

    @property
    def description(self) -> str:
        """What is exported, for the audit. It has no text that somebody looked for."""
        what = f"{', '.join(table.name for table in self.tables)} as {self.form}"
        first, last = self.query.first, self.query.last
        days = f"from {first or 'the beginning'} to {last or 'the end'}"
        used = [
            field.name
            for field in fields(EVERY_TASK)
            if getattr(self.query.tasks, field.name) != getattr(EVERY_TASK, field.name)
        ]
        return f"{what} {days}" + (f", by {', '.join(used)}" if used else "")


async def begin_export(
    changes: Changes, viewer: Viewer, order: Order
) -> AsyncGenerator[bytes, None]:
    """Begin an export, and return the bytes of its file. That it was begun is on record before the
    first of them is there, and so is each patient before their data. Raises `Forbidden` and
    `BadInput`, as taking the first bytes does."""
    viewer.require(viewer.may_export, "download lists and reports")
    if AUDIT in order.tables:
        viewer.require(viewer.may_read_audit, "read the audit")
    check_dates(order.query.first, order.query.last)
    form = _form(order)
    if ACTIVITY in order.tables:  # it comes last, and would fail then
        check_period(viewer, order.query)
    if AUDIT in order.tables:  # up to the row that tells of this export
        through = (await audit_bounds(viewer.practice_id)).seq
        order = order._replace(query=order.query._replace(through=through))
    await changes.make(viewer, _note_order, order)
    return _file(changes, viewer, order, form)


def _form(order: Order) -> Form:
    is_many = len(order.tables) > 1
    match order.form:
        case "csv":
            return Zipped(Csv(), "csv") if is_many else Csv()
        case "jsonl":
            return JsonLines(names_tables=is_many)
        case "parquet":
            return Zipped(Parquet(), "parquet") if is_many else Parquet()
    raise BadInput(f"The format is {', '.join(FORMS)}, not {order.form!r}.")


async def _file(
    changes: Changes, viewer: Viewer, order: Order, form: Form
) -> AsyncGenerator[bytes, None]:
    for table in order.tables:
        head: bytes | None = None
        async with aclosing(_noted(changes, viewer, table, order.query)) as windows:
            async for window in windows:
                if head is None:  # only now: a filter may turn out to be none
                    head = form.begin(table)
                    yield head
                yield form.rows(window.rows)
        if head is None:
            yield form.begin(table)
        yield form.end()
    yield form.finish()


async def _noted(
    changes: Changes, viewer: Viewer, table: Table, query: ExportQuery
) -> AsyncGenerator[Window, None]:
    """The windows of a table, each once its patients are on record."""
    how = Access.by(viewer, changes.origin, AuditAction.EXPORT, notes=table.has_notes)
    told: set[int] = set()
    async with aclosing(table.read(viewer, query)) as windows:
        async for window in windows:
            if new := window.patients - told:
                await changes.make(viewer, _note_patients, how, new)
                if len(told) > MOST_TOLD:
                    told.clear()
                told |= new
            yield window


async def _note_order(change: Change, order: Order) -> None:
    patient_id = order.query.patient_id
    change.note(AuditAction.EXPORT, order.description, patient_id=patient_id)


async def _note_patients(change: Change, how: Access, patients: Collection[int]) -> None:
    change.note_all([how.noted(patient, change.now) for patient in sorted(patients)])

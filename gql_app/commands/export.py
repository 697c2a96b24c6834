"""`callboard export`: a practice's tasks, contacts and activity as a file; and `callboard audit
export`: its audit."""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from gql_app.access import Origin, Viewer
from gql_app.access.keys import NotThere, command_line_viewer, practice_called
from gql_app.clock import Clock
from gql_app.commands.whole_file import check_new, whole_file
from gql_app.schema.ids import read_id_of
from gql_app.settings import Settings
from gql_app.terminal import is_terminal, note, put
from gql_app.work.changes import Changes
from gql_app.work.exports.run import ALL, TABLES, Order, begin_export
from gql_app.work.exports.tables import ExportQuery
from gql_app.work.reads.conditions import BadInput
from gql_app.work.ringing import ring_nobody
from models.checks import BadValue
from models.database import opened
from models.roles import Role

TEXTS = ("csv", "jsonl")
"""How the names of files end that a terminal can show."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the file, or print it."""
    if arguments.output is not None:
        check_new(arguments.output, may_replace=arguments.force)
    asyncio.run(_export(arguments, settings))
    return 0


def run_audit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the rows, oldest first. That they were exported is recorded in the audit."""
    asyncio.run(_export_audit(arguments, settings))
    return 0


async def _export(arguments: argparse.Namespace, settings: Settings) -> None:
    what, path = arguments.what, arguments.output
    async with opened(settings.database_url, settings.limits):
        practice = await practice_called(arguments.practice)
        clock = await Clock.of_database()
        query = ExportQuery(clock(), first=arguments.first, last=arguments.last)
        order = Order(ALL if what == "all" else [TABLES[what]], arguments.format, query)
        if path is None and order.extension not in TEXTS and is_terminal():
            raise BadValue(f"{order.extension} is nothing for a terminal: name a file with -o")
        viewer = command_line_viewer(practice, 0, "")
        chunks = await _begun(clock, viewer, order, "callboard export")
        if path is None:
            await _print(chunks)
            return
        with whole_file(path, may_replace=arguments.force) as unfinished:
            await _write(chunks, unfinished)
        note(f"{path}: {path.stat().st_size:,} bytes")


async def _export_audit(arguments: argparse.Namespace, settings: Settings) -> None:
    async with opened(settings.database_url, settings.limits):
        practice = await practice_called(arguments.practice)
        patient, clock = _patient(arguments.patient), await Clock.of_database()
        query = ExportQuery(clock(), first=arguments.first, last=arguments.last, patient_id=patient)
        viewer = replace(command_line_viewer(practice, 0, ""), role=Role.ADMIN)
        order = Order([TABLES["audit"]], arguments.format, query)
        await _print(await _begun(clock, viewer, order, "callboard audit export"))


async def _begun(
    clock: Clock, viewer: Viewer, order: Order, operation: str
) -> AsyncGenerator[bytes, None]:
    changes = Changes(ring_nobody, clock).asked(Origin(operation))
    try:
        return await begin_export(changes, viewer, order)
    except BadInput as error:
        raise BadValue(str(error)) from None


async def _print(chunks: AsyncGenerator[bytes, None]) -> None:
    await _each(chunks, put)


async def _write(chunks: AsyncGenerator[bytes, None], path: Path) -> None:
    with path.open("wb") as file:
        await _each(chunks, file.write)


async def _each(chunks: AsyncGenerator[bytes, None], do: Callable[[bytes], object]) -> None:
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                do(chunk)
    except BadInput as error:
        raise BadValue(str(error)) from None


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

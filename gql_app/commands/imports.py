"""`callboard imports`: list them, and undo one."""

import argparse
import asyncio

from gql_app.access.keys import command_line_viewer, practice_called
from gql_app.commands.changing import admin, changing, insist
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.imports.runner import run_to_end
from gql_app.work.imports.undo import undo_import
from gql_app.work.reads.imports import imports_page
from models.database import opened
from models.importing import ImportJobRow

SHOWN = 100


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line an import, the latest first."""

    async def run() -> list[ImportJobRow]:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            viewer = command_line_viewer(practice, 0, "")
            return (await imports_page(viewer, SHOWN, None)).rows

    for job in asyncio.run(run()):
        say(
            f"{job.id}",
            job.file_name,
            job.source or "no source yet",
            job.state.lower(),
            f"{job.created:,} created",
            f"{job.rejected:,} rejected",
            f"{job.created_at:%Y-%m-%d %H:%M} UTC",
        )
    return 0


def undo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 1 if some tasks were left."""

    async def run() -> ImportJobRow:
        async with changing(settings, "imports undo") as changes:
            practice = await practice_called(arguments.practice)
            viewer = await admin(changes, practice)
            result = await changes.make(viewer, undo_import, arguments.number)
            insist(result.refusals)
            assert result.job is not None
            return await run_to_end(changes, result.job)

    job = asyncio.run(run())
    say(f"{job.taken_back:,} tasks taken back, {job.left_alone:,} left because they were touched")
    return 1 if job.left_alone else 0

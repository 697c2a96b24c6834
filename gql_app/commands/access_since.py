"""`callboard keys changed`: what a restore would undo, as commands that do it again."""

import argparse
import asyncio
import shlex
from datetime import UTC

from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.upkeep.access_since import AccessChange, Again, access_since
from gql_app.work.upkeep.verifying import practices
from models.database import opened


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each change, oldest first: a command, or a remark."""
    asyncio.run(_run(arguments, settings))
    return 0


async def _run(arguments: argparse.Namespace, settings: Settings) -> None:
    async with opened(settings.database_url, settings.limits):
        for practice in await practices(None):
            async for change in access_since(practice.id, arguments.since):
                say(_line(change))


def _line(change: AccessChange) -> str:
    slug = shlex.quote(change.slug)
    match change.again:
        case Again.REVOKE:
            command = f"callboard keys revoke --practice {slug} {change.key_id}"
        case Again.ROTATE:
            command = f"callboard keys rotate --practice {slug} --overlap 0 {change.key_id}"
        case Again.RETIRE:
            command = f"callboard staff retire --practice {slug} {shlex.quote(change.name or '')}"
        case _:
            command = f"# {change.slug}: {change.detail}"
    whose = "" if change.name is None or change.again is Again.RETIRE else f" of {change.name!r}"
    remark = "" if command.startswith("#") else f"  # {change.again}{whose}"
    return f"{command}{remark}, {change.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

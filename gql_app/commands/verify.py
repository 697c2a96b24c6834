"""`callboard verify`: whether the events of a practice are still what was written."""

import argparse
import asyncio

from gql_app.access.keys import NotThere
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.upkeep.verifying import practices, verify
from models.database import opened


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a practice. Returns 1 if a history was changed."""
    return asyncio.run(_run(arguments.practice, settings))


async def _run(slug: str | None, settings: Settings) -> int:
    changed = False
    async with opened(settings.database_url, settings.limits):
        found = await practices(slug)
        if slug is not None and not found:
            raise NotThere(f"There is no practice {slug!r}.")
        for practice in found:
            first, last, changed_at = await verify(practice.id)
            if last < first:
                say(f"{practice.slug}: no events")
            elif changed_at is None:
                say(f"{practice.slug}: events {first:,} to {last:,} are what was written")
            else:
                say(f"{practice.slug}: history was changed at event {changed_at:,}")
                changed = True
    return int(changed)

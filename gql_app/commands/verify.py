"""`callboard verify`: whether events and audit of a practice are still what was written."""

import argparse
import asyncio

from gql_app.access.keys import NotThere
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.upkeep.verifying import Verdict, practices, verify, verify_audit
from models.database import opened


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print two lines a practice. Returns 1 if a history or an audit was changed."""
    return asyncio.run(_run(arguments.practice, settings))


async def _run(slug: str | None, settings: Settings) -> int:
    changed = False
    async with opened(settings.database_url, settings.limits):
        found = await practices(slug)
        if slug is not None and not found:
            raise NotThere(f"There is no practice {slug!r}.")
        for practice in found:
            events, audit = await verify(practice.id), await verify_audit(practice.id)
            say(f"{practice.slug}: {_told(events, 'event', 'history')}")
            say(f"{practice.slug}: {_told(audit, 'audit row', 'the audit')}")
            changed |= events.changed_at is not None or audit.changed_at is not None
    return int(changed)


def _told(verdict: Verdict, row: str, whole: str) -> str:
    first, last, changed_at = verdict
    if last < first:
        return f"no {row}s"
    if changed_at is None:
        return f"{row}s {first:,} to {last:,} are what was written"
    return f"{whole} was changed at {row} {changed_at:,}"

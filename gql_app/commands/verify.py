"""`callboard verify`: whether events and audit of a practice are still what was written."""

import argparse
import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

from gql_app.access.keys import NotThere
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.upkeep.verifying import Verdict, practices, verify, verify_audit
from models.database import opened


class Checked(NamedTuple):
    """What is said of a practice's events or audit, and whether they were changed."""

    line: str
    is_changed: bool


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print two lines a practice. Returns 1 if a history or an audit was changed."""
    return asyncio.run(_run(arguments.practice, settings))


async def _run(slug: str | None, settings: Settings) -> int:
    changed = False
    async with opened(settings.database_url, settings.limits):
        async for found in checked(slug):
            say(found.line)
            changed |= found.is_changed
    return int(changed)


async def checked(slug: str | None) -> AsyncGenerator[Checked, None]:
    """Check the events and the audit of the practice called `slug`, or of all. Raises
    `NotThere`."""
    found = await practices(slug)
    if slug is not None and not found:
        raise NotThere(f"There is no practice {slug!r}.")
    for practice in found:
        events, audit = await verify(practice.id), await verify_audit(practice.id)
        for verdict, row, whole in (
            (events, "event", "history"),
            (audit, "audit row", "the audit"),
        ):
            line = f"{practice.slug}: {_told(verdict, row, whole)}"
            yield Checked(line, verdict.changed_at is not None)


def _told(verdict: Verdict, row: str, whole: str) -> str:
    first, last, changed_at = verdict
    if last < first:
        return f"no {row}s"
    if changed_at is None:
        return f"{row}s {first:,} to {last:,} are what was written"
    return f"{whole} was changed at {row} {changed_at:,}"

"""`callboard migrate`, `expire` and `prune`: what a database needs now and then."""

import argparse
import asyncio
from datetime import timedelta

from gql_app.access import Origin
from gql_app.clock import Clock
from gql_app.live.bus import ringing
from gql_app.settings import BadSetting, Settings
from gql_app.terminal import say
from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from gql_app.work.upkeep.audit_retention import prune_audit
from gql_app.work.upkeep.expiry import end_statuses, sweep
from gql_app.work.upkeep.indexing import index_all
from gql_app.work.upkeep.retention import NOT_HERE, forget, prune
from models.database import grant_serving, may_delete, migrate, opened


def run_migrate(arguments: argparse.Namespace, settings: Settings) -> int:
    role = arguments.serve_role
    if role is not None and settings.database_url.startswith("sqlite"):
        raise BadSetting("--serve-role is for PostgreSQL: SQLite has no roles")

    async def run() -> None:
        await migrate(settings.database_url)
        if role is not None:
            await grant_serving(settings.database_url, role)
            say(f"{role} may serve: it reads and writes rows, but changes no tables")
        async with opened(settings.database_url, settings.limits):
            changes = Changes(ring_nobody, await Clock.of_database())
            if indexed := await index_all(changes):
                say(f"patients made findable anew: {indexed:,}")

    asyncio.run(run())
    return 0


def run_expire(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> tuple[int, int]:
        async with (
            opened(settings.database_url, settings.limits),
            ringing(settings.bus_url) as ring,
        ):
            clock = await Clock.of_database()
            changes = Changes(ring, clock).asked(Origin("callboard expire"))
            now, forced = clock(), arguments.force
            closed = await sweep(changes, now, forced=forced)
            return closed, await end_statuses(changes, now, forced=forced)

    closed, ended = asyncio.run(run())
    say(f"{closed} closed" + (f", {ended} contact statuses ended" if ended else ""))
    return 0


def run_prune(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> tuple[int, int]:
        async with opened(settings.database_url, settings.limits):
            if not await may_delete("task_event"):
                raise BadSetting(f"{NOT_HERE}; the tables' owner may")
            changes = Changes(ring_nobody, await Clock.of_database())
            keep = timedelta(days=settings.retention_days)
            now, forced = changes.clock(), arguments.force
            events = await prune(changes, keep, now, forced=forced)
            keep = timedelta(days=settings.audit_days)
            rows = await prune_audit(changes, keep, now, forced=forced)
            await forget(changes, now)
            return events, rows

    events, rows = asyncio.run(run())
    say(f"{events} events and {rows} audit rows removed")
    return 0

"""`callboard keys`: the keys by which people and programs come in."""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta

from gql_app.access import Origin, keys
from gql_app.clock import Clock
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from models.checks import BadValue, checked_name
from models.database import opened
from models.roles import Role


def run_create(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the key alone."""
    name = checked_name("--name", arguments.name)

    async def run() -> str:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            queue_ids = arguments.queue and await keys.queues_called(practice, arguments.queue)
            changes = await _changes("keys create")
            if arguments.expires is not None and arguments.expires <= changes.clock():
                raise BadValue(f"--expires {_minute(arguments.expires)} is in the past")
            created = await changes.make_for(
                practice.id,
                keys.create_key,
                Role(arguments.role.upper()),
                name,
                queue_ids=queue_ids,
                may_create_tasks=arguments.may_create_tasks,
                expires_at=arguments.expires,
            )
            return created.key

    say(asyncio.run(run()))
    return 0


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a key: number, role, name, state, queues, end and last use."""

    async def run() -> tuple[list[keys.Listed], datetime]:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            now = (await Clock.of_database())()
            return await keys.list_keys(practice, now), now

    listed, now = asyncio.run(run())
    for key in listed:
        say(
            *key[:4],
            "all queues" if key.queues is None else f"only {', '.join(key.queues)}",
            _end(key, now),
            f"last used {_minute(key.last_used_at)}" if key.last_used_at else "never used",
        )
    return 0


def run_rotate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the new key alone."""

    async def run() -> str:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            changes, overlap = await _changes("keys rotate"), timedelta(days=arguments.overlap)
            created = await changes.make_for(
                practice.id, keys.rotate_key, practice, arguments.id, overlap
            )
            return created.key

    say(asyncio.run(run()))
    return 0


def run_revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            changes = await _changes("keys revoke")
            await changes.make_for(practice.id, keys.revoke_key, practice, arguments.id)

    asyncio.run(run())
    return 0


async def _changes(verb: str) -> Changes:
    """The runner of changes, for what an operator asks for by a verb."""
    return Changes(ring_nobody, await Clock.of_database()).asked(Origin(f"callboard {verb}"))


def _end(key: keys.Listed, now: datetime) -> str:
    if key.expires_at is None:
        return "no end"
    left = key.expires_at - now
    is_near = key.state == "valid" and left <= keys.ENDS_SOON
    return f"ends {_minute(key.expires_at)}" + (f", in {_days(left)}" if is_near else "")


def _days(left: timedelta) -> str:
    return "less than a day" if left.days == 0 else f"{left.days} day{'s' * (left.days > 1)}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

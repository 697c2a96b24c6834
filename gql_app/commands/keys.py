"""`callboard keys`: made, listed, rotated and revoked."""

import argparse
import asyncio
from datetime import datetime, timedelta

from gql_app.access.keys import ENDS_SOON, NotThere, practice_called, queues_called
from gql_app.clock import Clock
from gql_app.commands.asking import minute, runner_for, unless_refused
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work import keys
from gql_app.work.reads.keys import KeyRow, KeyState, keys_of
from models.checks import BadValue, checked_name
from models.database import opened
from models.practice import Practice, Queue
from models.roles import Role


def create(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the key alone."""
    name = checked_name("--name", arguments.name)

    async def run() -> str | None:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            queue_ids = arguments.queue and await queues_called(practice, arguments.queue)
            changes = await runner_for("keys create")
            if arguments.expires is not None and arguments.expires <= changes.clock():
                raise BadValue(f"--expires {minute(arguments.expires)} is in the past")
            new = keys.NewKey(
                name,
                Role(arguments.role.upper()),
                queue_ids,
                may_create_tasks=arguments.may_create_tasks,
                expires_at=arguments.expires,
            )
            result = await changes.make_for(practice.id, keys.create_key, new)
            unless_refused(result.refusals)
            return result.secret

    say(asyncio.run(run()))
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a key: number, role, name, state, queues, end and last use."""

    async def run() -> tuple[list[KeyRow], dict[int, str], datetime]:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            queues = {q.id: q.name for q in await Queue.filter(practice_id=practice.id)}
            return await keys_of(practice.id), queues, (await Clock.of_database())()

    listed, names, now = asyncio.run(run())
    for key in listed:
        say(
            *(key.id, key.role, key.name, key.state(now).lower(), _queues(key, names)),
            _end(key, now),
            f"last used {minute(key.last_used_at)}" if key.last_used_at else "never used",
        )
    return 0


def rotate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the new key alone."""

    async def run() -> str | None:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            changes, overlap = await runner_for("keys rotate"), timedelta(days=arguments.overlap)
            result = await changes.make_for(practice.id, keys.rotate_key, arguments.id, overlap)
            _check(result, arguments.id, practice)
            return result.secret

    say(asyncio.run(run()))
    return 0


def revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            changes = await runner_for("keys revoke")
            result = await changes.make_for(practice.id, keys.revoke_key, arguments.id)
            _check(result, arguments.id, practice)

    asyncio.run(run())
    return 0


def _check(result: keys.KeyResult, key_id: int, practice: Practice) -> None:
    """Raise `NotThere` or `BadValue` if it was refused."""
    if keys.NOT_FOUND in result.refusals:
        raise NotThere(f"There is no key {key_id} at {practice.slug}.")
    if keys.ENDED in result.refusals:
        raise NotThere(f"Key {key_id} at {practice.slug} has ended; make a new one.")
    unless_refused(result.refusals)


def _queues(key: KeyRow, names: dict[int, str]) -> str:
    if key.queues is None:
        return "all queues"
    shown = [names.get(queue_id, f"queue {queue_id}") for queue_id in key.queues]
    return f"only {', '.join(shown)}" if shown else "no queue"


def _end(key: KeyRow, now: datetime) -> str:
    if key.expires_at is None:
        return "no end"
    left = key.expires_at - now
    is_near = key.state(now) is KeyState.VALID and left <= ENDS_SOON
    return f"ends {minute(key.expires_at)}" + (f", in {_days(left)}" if is_near else "")


def _days(left: timedelta) -> str:
    return "less than a day" if left.days == 0 else f"{left.days} day{'s' * (left.days > 1)}"

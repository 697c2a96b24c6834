"""`callboard staff`: the people of a practice, who sign in with passkeys."""

import argparse
import asyncio
from datetime import UTC, datetime

from gql_app.access import Origin, people
from gql_app.access.keys import practice_called, queues_called
from gql_app.clock import Clock
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from models.checks import checked_email, checked_name, checked_url
from models.database import opened
from models.roles import Role


def invite(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the link alone."""
    name, url = checked_name("--name", arguments.name), checked_url("--url", arguments.url)
    email = None if arguments.email is None else checked_email("--email", arguments.email)

    async def run() -> str:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            queue_ids = arguments.queue and await queues_called(practice, arguments.queue)
            rights = Role(arguments.role.upper()), queue_ids, email
            runner = await _changes("invite")
            return await runner.make_for(practice.id, people.invite, name, *rights)

    say(f"{url}/#invite={asyncio.run(run())}")
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a person: name, role, state, passkeys and last sign-in."""

    async def run() -> list[people.Listed]:
        async with opened(settings.database_url, settings.limits):
            return await people.list_people(await practice_called(arguments.practice))

    for person in asyncio.run(run()):
        state = "retired" if person.revoked_at else "active" if person.passkeys else "invited"
        last = person.signed_in_at
        say(
            person.name,
            person.role,
            state,
            f"passkeys: {person.passkeys}",
            f"last signed in {_minute(last)}" if last else "never signed in",
        )
    return 0


def retire(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            runner = await _changes("retire")
            await runner.make_for(practice.id, people.retire, practice, arguments.name)

    asyncio.run(run())
    return 0


async def _changes(verb: str) -> Changes:
    runner = Changes(ring_nobody, await Clock.of_database())
    return runner.asked(Origin(f"callboard staff {verb}"))


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

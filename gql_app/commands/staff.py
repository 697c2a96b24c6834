"""`callboard staff`: the people of a practice, who sign in with passkeys."""

import argparse
import asyncio
from functools import partial

from gql_app.access.keys import NotThere, practice_called, queues_called
from gql_app.clock import Clock
from gql_app.commands.asking import minute, runner_for, unless_refused
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.inviting import NewStaff, invite_staff, restore_staff
from gql_app.work.persons import StaffResult
from gql_app.work.reads.groups import Guest, guests_of
from gql_app.work.reads.staff import Member, members_of
from gql_app.work.staff import StaffUpdate, retire_staff, update_staff
from models.checks import BadValue, checked_email, checked_name, checked_url
from models.database import opened
from models.practice import Practice
from models.roles import Role


def invite(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the link alone."""
    name, url = checked_name("--name", arguments.name), checked_url("--url", arguments.url)
    email = None if arguments.email is None else checked_email("--email", arguments.email)

    async def run() -> StaffResult:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            queue_ids = arguments.queue and await queues_called(practice, arguments.queue)
            new = NewStaff(name, Role(arguments.role.upper()), queue_ids, email)
            changes = await runner_for("staff invite")
            return await changes.make_for(practice.id, invite_staff, new, again=True)

    return _say_link(url, asyncio.run(run()))


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a person: name, role, state, passkeys and last sign-in; then one a guest."""

    async def run() -> tuple[list[Member], list[Guest]]:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            people = await members_of(practice.id, (await Clock.of_database())())
            return people, await guests_of(practice.id)

    people, guests = asyncio.run(run())
    for person in people:
        last = person.signed_in_at
        say(
            person.name,
            person.role,
            person.state.lower(),
            f"passkeys: {person.passkeys}",
            f"last signed in {minute(last)}" if last else "never signed in",
        )
    for guest in guests:
        last = guest.used_at
        say(
            guest.name,
            Role.SUPERVISOR,
            "guest",
            f"of {guest.home}, by the group {guest.group}",
            f"last here {minute(last)}" if last else "never here",
        )
    return 0


def change(arguments: argparse.Namespace, settings: Settings) -> int:
    """Change what is given."""
    if arguments.queue and arguments.all_queues:
        raise BadValue("give --queue or --all-queues, one of them")
    email = arguments.email and checked_email("--email", arguments.email)
    name = arguments.new_name
    to = StaffUpdate(
        name if name is None else checked_name("--name", name),
        arguments.role and Role(arguments.role.upper()),
        all_queues=arguments.all_queues,
        email=email,
    )
    if to == StaffUpdate() and not arguments.queue:
        raise BadValue("nothing to change: give --name, --role, --queue, --all-queues or --email")

    async def run() -> StaffResult:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            person = await _active(practice, arguments.name)
            queue_ids = arguments.queue and await queues_called(practice, arguments.queue)
            make = partial((await runner_for("staff set")).make_for, practice.id)
            return await update_staff(make, person.id, to._replace(queue_ids=queue_ids))

    unless_refused(asyncio.run(run()).refusals)
    return 0


def retire(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> StaffResult:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            person = await _active(practice, arguments.name)
            make = partial((await runner_for("staff retire")).make_for, practice.id)
            return await retire_staff(make, person.id)

    unless_refused(asyncio.run(run()).refusals)
    return 0


def restore(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the link alone."""
    url = checked_url("--url", arguments.url)

    async def run() -> StaffResult:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            person = await called(practice, arguments.name)
            if person is None:
                raise nobody(practice, arguments.name)
            changes = await runner_for("staff restore")
            return await changes.make_for(practice.id, restore_staff, person.id)

    return _say_link(url, asyncio.run(run()))


def _say_link(url: str, result: StaffResult) -> int:
    unless_refused(result.refusals)
    assert result.invitation is not None
    say(f"{url}/#invite={result.invitation.token}")
    return 0


async def called(practice: Practice, name: str) -> Member | None:
    people = await members_of(practice.id, (await Clock.of_database())())
    return next((person for person in people if person.name == name), None)


async def _active(practice: Practice, name: str) -> Member:
    """Who is called so and is not retired. Raises `NotThere`."""
    person = await called(practice, name)
    if person is None or person.retired_at is not None:
        raise nobody(practice, name)
    return person


def nobody(practice: Practice, name: str) -> NotThere:
    return NotThere(f"There is nobody called {name!r} who was invited to {practice.slug}.")

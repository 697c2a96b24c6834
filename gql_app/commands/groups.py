"""`callboard groups`: groups of practices, and the people who supervise them."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from gql_app.access.keys import practice_called
from gql_app.commands.asking import runner_for, unless_refused
from gql_app.commands.staff import called, nobody
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.groups import (
    appoint,
    cannot_join,
    cannot_leave,
    create_group,
    dismiss,
    join_group,
    leave_group,
)
from gql_app.work.guests import settle_guests
from gql_app.work.reads.groups import GroupLine, group_called, list_groups
from models.checks import BadValue, checked_name, checked_slug
from models.database import opened
from models.practice import Practice
from models.refusals import Refusal

UseCase: TypeAlias = Callable[..., Awaitable[Sequence[Refusal]]]


def create(arguments: argparse.Namespace, settings: Settings) -> int:
    slug, name = checked_slug(arguments.slug, "group"), checked_name("--name", arguments.name)

    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            await create_group(await runner_for("groups create"), slug, name)

    asyncio.run(run())
    return 0


def show(_: argparse.Namespace, settings: Settings) -> int:
    """Print a line a group, and below it one a practice and one a supervisor."""

    async def run() -> list[GroupLine]:
        async with opened(settings.database_url, settings.limits):
            return await list_groups()

    for group in asyncio.run(run()):
        say(group.slug, group.name)
        for practice in group.practices:
            say("", "practice", practice)
        for home, name in group.supervisors:
            say("", "supervisor", name, f"of {home}")
    return 0


def add(arguments: argparse.Namespace, settings: Settings) -> int:
    return _of_practices(arguments, settings, "groups add", cannot_join, join_group)


def remove(arguments: argparse.Namespace, settings: Settings) -> int:
    return _of_practices(arguments, settings, "groups remove", cannot_leave, leave_group)


def _of_practices(
    arguments: argparse.Namespace,
    settings: Settings,
    verb: str,
    why_not: UseCase,
    use_case: UseCase,
) -> int:
    """Do the same to each of the practices, or nothing if one of them cannot be had."""

    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            group = await group_called(arguments.slug)
            practices = [await practice_called(slug) for slug in dict.fromkeys(arguments.practices)]
            for practice in practices:
                _of(practice, await why_not(practice.id, group))
            changes = await runner_for(verb)
            for practice in practices:
                _of(practice, await changes.make_for(practice.id, use_case, group))
            await settle_guests(changes)

    asyncio.run(run())
    return 0


def _of(practice: Practice, refusals: Sequence[Refusal]) -> None:
    """Raise `BadValue` if a practice was refused."""
    for refusal in refusals:
        raise BadValue(f"{practice.slug}: {refusal.message}", refusal.code)


def appoint_one(arguments: argparse.Namespace, settings: Settings) -> int:
    return _of_person(arguments, settings, "groups appoint", appoint)


def dismiss_one(arguments: argparse.Namespace, settings: Settings) -> int:
    return _of_person(arguments, settings, "groups dismiss", dismiss)


def _of_person(
    arguments: argparse.Namespace, settings: Settings, verb: str, use_case: UseCase
) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            group = await group_called(arguments.slug)
            practice = await practice_called(arguments.practice)
            person = await called(practice, arguments.name)
            if person is None:
                raise nobody(practice, arguments.name)
            changes = await runner_for(verb)
            unless_refused(await changes.make_for(practice.id, use_case, group, person.id))
            await settle_guests(changes)

    asyncio.run(run())
    return 0

"""`callboard practices`: create, list, change and archive them. Each value is checked as it is
entered."""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from gql_app.access.identity import is_safe
from gql_app.access.keys import practice_called
from gql_app.commands.changing import changing, insist
from gql_app.commands.verbs_of_practices import FIRST_QUEUE
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.accounts import set_provider
from gql_app.work.practices import (
    CreatedPractice,
    NewPractice,
    PracticeLine,
    archive_practice,
    create_practice,
    list_practices,
    update_practice,
)
from models.checks import (
    BadValue,
    checked_name,
    checked_queues,
    checked_region,
    checked_slug,
    checked_time_zone,
)
from models.database import opened
from models.hours_text import checked_holidays, checked_hours
from models.identity import MAX_CLIENT_ID, MAX_ISSUER
from models.setting_checks import checked_minutes, checked_rest
from models.zone_regions import region_of_zone


def create(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print what is needed to begin: the key and the link are shown once."""
    zone = checked_time_zone(arguments.time_zone)
    new = NewPractice(
        checked_slug(arguments.slug),
        checked_name("--name", arguments.name),
        zone,
        checked_region(arguments.region) if arguments.region else region_of_zone(zone),
        [{"name": name} for name in checked_queues(arguments.queue or [FIRST_QUEUE])],
    )

    async def run() -> CreatedPractice:
        async with changing(settings, "practices create") as changes:
            return await create_practice(changes, new)

    made = asyncio.run(run())
    say(f"{new.slug} is there: {new.name}, {new.time_zone}, region {new.region}.")
    say(f"Queues: {', '.join(str(queue['name']) for queue in new.queues)}")
    print_created(made)
    return 0


def print_created(made: CreatedPractice) -> None:
    """Print what is shown only once."""
    say(f"An admin's key, shown only now: {made.key}")
    # By a name: at a number such as 127.0.0.1 browsers make no passkeys.
    say(f"Sign in to the dashboard, once within an hour: http://localhost:8000/#link={made.link}")
    say("(Put your server's own address in place of http://localhost:8000.)")


def show(_: argparse.Namespace, settings: Settings) -> int:
    """Print a line a practice."""

    async def run() -> list[PracticeLine]:
        async with opened(settings.database_url, settings.limits):
            return await list_practices()

    for line in asyncio.run(run()):
        state = ["archived"] if line.archived_at else []
        say(*line[:4], f"queues: {line.queues:,}", f"open tasks: {line.open_tasks:,}", *state)
    return 0


def _provider(arguments: argparse.Namespace) -> tuple[str, str] | None:
    """The identity provider that was given: its address, and what it calls this server. Both are
    empty if there is to be none."""
    issuer, client_id = arguments.oidc_issuer, arguments.oidc_client_id
    if issuer is None and client_id is None:
        return None
    if issuer == "" and client_id is None:
        return "", ""
    if not issuer or not client_id:
        raise BadValue("--oidc-issuer and --oidc-client-id are given together")
    if not is_safe(issuer) or len(issuer) > MAX_ISSUER:
        raise BadValue(f"--oidc-issuer begins with https://, unlike {issuer!r}")
    if len(client_id) > MAX_CLIENT_ID:
        raise BadValue(f"--oidc-client-id has at most {MAX_CLIENT_ID} characters")
    return issuer, client_id


def _settings_given(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given, by their columns. Raises `BadValue`."""
    days = arguments.holiday
    given: dict[str, tuple[Any, Callable[[Any], object]]] = {
        "name": (arguments.name, lambda name: checked_name("--name", name)),
        "time_zone": (arguments.time_zone, checked_time_zone),
        "region": (arguments.region, checked_region),
        "rest_hours": (arguments.rest, checked_rest),
        "undo_minutes": (arguments.undo_minutes, checked_minutes),
        "calling_hours": (arguments.calling_hours, checked_hours),
        "holidays": (None if days is None else [*filter(None, days)], checked_holidays),
    }
    return {column: check(value) for column, (value, check) in given.items() if value is not None}


def change(arguments: argparse.Namespace, settings: Settings) -> int:
    values = _settings_given(arguments)
    provider = _provider(arguments)
    if not values and provider is None:
        options = "--name, --time-zone, --region, --rest, --undo-minutes, --calling-hours,"
        raise BadValue(f"nothing to change: give {options} --holiday or --oidc-issuer")

    async def run() -> None:
        async with changing(settings, "practices set") as runner:
            practice = await practice_called(arguments.slug)
            if values:
                insist((await runner.make_for(practice.id, update_practice, values)).refusals)
            if provider is not None:
                insist(await runner.make_for(practice.id, set_provider, *provider))

    asyncio.run(run())
    return 0


def archive(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with changing(settings, "practices archive") as changes:
            practice = await practice_called(arguments.slug)
            bring_back = arguments.bring_back
            await changes.make_for(practice.id, archive_practice, bring_back=bring_back)

    asyncio.run(run())
    return 0

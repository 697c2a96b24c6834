"""`callboard keys` and `callboard queues`: who may come in, and what a queue gives to its tasks."""

import argparse
import asyncio
from datetime import UTC, datetime

from gql_app.access import keys
from gql_app.clock import Clock
from gql_app.commands import arguments as read
from gql_app.commands.arguments import Verbs, add_practice
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.queue_settings import set_queue
from models.access import Role
from models.checks import BadValue, checked_name
from models.database import opened


def add(verbs: Verbs) -> None:
    of_keys = Verbs(verbs.add("keys", "create, list and revoke keys"))
    _add_create(of_keys)
    add_practice(of_keys.add("list", "show a practice's keys, without their secrets", run_list))
    verb = of_keys.add("revoke", "make a key invalid from now on", run_revoke)
    add_practice(verb)
    verb.add_argument("id", type=read.number, metavar="ID", help="its number, from `keys list`")

    of_queues = Verbs(verbs.add("queues", "say what a queue gives to its tasks"))
    verb = of_queues.add("set", 'change what is given; "" takes it away', run_set_queue)
    add_practice(verb)
    verb.add_argument("--queue", required=True, metavar="NAME", help="the queue's name")
    verb.add_argument("--ladder", metavar="DAYS", help="when to call again, such as 1,7,21,60")
    verb.add_argument("--automatic-life", metavar="DAYS", help="how long automatic tasks live")


def _add_create(of_keys: Verbs) -> None:
    verb = of_keys.add("create", "print a new key", run_create)
    add_practice(verb)
    roles = [role.lower() for role in Role]
    verb.add_argument(
        "--role",
        required=True,
        type=str.lower,
        choices=roles,
        metavar="ROLE",
        help=f"what it may do: {', '.join(roles)}",
    )
    verb.add_argument("--name", required=True, metavar="NAME", help="who acts through it")
    verb.add_argument(
        "--queue", action="append", metavar="NAME", help="only this queue; may be repeated"
    )
    verb.add_argument("--may-create-tasks", action="store_true", help="for partners")
    verb.add_argument(
        "--expires",
        type=read.moment,
        metavar="WHEN",
        help="when it ends, such as 2027-01-31T18:00Z; never unless it is given",
    )


def run_create(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the key alone."""
    name = checked_name("--name", arguments.name)

    async def run() -> str:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            queue_ids = arguments.queue and await keys.queues_called(practice, arguments.queue)
            now = (await Clock.of_database())()
            if arguments.expires is not None and arguments.expires <= now:
                raise BadValue(f"--expires {_minute(arguments.expires)} is in the past")
            return await keys.create_key(
                practice,
                Role(arguments.role.upper()),
                name,
                queue_ids=queue_ids,
                may_create_tasks=arguments.may_create_tasks,
                expires_at=arguments.expires,
            )

    say(asyncio.run(run()))
    return 0


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a key: number, role, name, state, queues, end and last use."""

    async def run() -> list[keys.Listed]:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            return await keys.list_keys(practice, (await Clock.of_database())())

    for key in asyncio.run(run()):
        say(
            *key[:4],
            "all queues" if key.queues is None else f"only {', '.join(key.queues)}",
            f"ends {_minute(key.expires_at)}" if key.expires_at else "no end",
            f"last used {_minute(key.last_used_at)}" if key.last_used_at else "never used",
        )
    return 0


def run_revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            await keys.revoke_key(await keys.practice_called(arguments.practice), arguments.id)

    asyncio.run(run())
    return 0


def run_set_queue(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            (queue_id,) = await keys.queues_called(practice, [arguments.queue])
            given = {"ladder": arguments.ladder, "automatic_life": arguments.automatic_life}
            try:
                await set_queue(practice.id, queue_id, **given)
            except ValueError as error:
                raise BadValue(str(error)) from None

    asyncio.run(run())
    return 0


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

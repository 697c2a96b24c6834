"""The `callboard` command: a few lines a verb."""

import argparse
import asyncio
import os
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gql_app import demo, keys, watch
from gql_app.app import end_in_time, keep_values_out_of_logs, server_config
from gql_app.clock import Clock, Doubtful
from gql_app.commands import verify
from gql_app.importing.command import Order, import_file
from gql_app.importing.reading import CannotImport
from gql_app.listening import bound, listen
from gql_app.live.bus import ringing
from gql_app.schema import schema_text
from gql_app.settings import BadSetting, Settings, check_workers, read_settings
from gql_app.work.expiry import sweep
from gql_app.work.queue_settings import set_queue
from gql_app.work.retention import prune
from gql_app.work.transitions import Transitions
from models.access import Role
from models.database import migrate, opened
from models.limits import Busy
from models.opening import DATABASE_ERRORS, CannotOpen, failure

SCHEMA_FILE = Path("schema.graphql")


def main() -> None:
    """Run the verb that the command line names. Exits with 2 on a bad setting or argument."""
    arguments = _parser().parse_args()
    try:
        settings = read_settings(os.environ)
        keep_values_out_of_logs()
        sys.exit(arguments.run(arguments, settings))
    except (BadSetting, CannotOpen, keys.NotThere, watch.CannotWatch, CannotImport) as error:
        sys.exit(_complain(str(error)))
    except Doubtful as error:
        sys.exit(_complain(str(error)))
    except Busy as busy:
        sys.exit(_complain(f"{busy} It was not done because {busy.reason}."))
    except DATABASE_ERRORS as error:
        sys.exit(_complain(f"the database has failed: {failure(error)}"))
    except KeyboardInterrupt:
        sys.exit(130)


def _demo(arguments: argparse.Namespace, settings: Settings) -> int:
    # Before it says where it is, and gives away a link that works once.
    sockets = bound(arguments.host, arguments.port)
    try:
        sample = asyncio.run(demo.prepare(arguments.data))
    except OSError as error:
        raise BadSetting(f"--data {error.filename} cannot be used: {error.strerror}") from None
    settings = replace(
        settings, database_url=demo.database_url(arguments.data), bus_url="memory://"
    )
    host = "127.0.0.1" if arguments.host in ("0.0.0.0", "::") else arguments.host  # noqa: S104
    url = f"http://{host}:{arguments.port}"
    print(demo.welcome(url, arguments.data, sample), flush=True)  # a pipe would keep it back
    return _serve_until_stopped(settings, arguments, sockets)


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    check_workers(settings, arguments.workers)
    sockets = bound(arguments.host, arguments.port)
    asyncio.run(migrate(settings.database_url))
    return _serve_until_stopped(settings, arguments, sockets)


def _serve_until_stopped(
    settings: Settings, arguments: argparse.Namespace, sockets: list[socket.socket]
) -> int:
    listen(sockets, arguments.port)
    config = server_config(settings, arguments.host, arguments.port, arguments.workers)
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets)
        return 0 if server.started else 1
    for listener in sockets:
        listener.set_inheritable(True)
    supervisor = Multiprocess(config, sockets)
    end_in_time(settings.stop_seconds)  # a worker that hangs must not keep it
    supervisor.run()
    return int(any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes))


def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(migrate(settings.database_url))
    return 0


def _expire(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> int:
        async with (
            opened(settings.database_url, settings.limits),
            ringing(settings.bus_url) as ring,
        ):
            clock = await Clock.of_database()
            return await sweep(Transitions(ring, clock), clock(), forced=arguments.force)

    print(f"{asyncio.run(run())} closed")
    return 0


def _prune(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> int:
        async with opened(settings.database_url, settings.limits):
            now = (await Clock.of_database())()
            keep = timedelta(days=settings.retention_days)
            return await prune(keep, now, forced=arguments.force)

    print(f"{asyncio.run(run())} events removed")
    return 0


def _create_key(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> str:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            queue_ids = arguments.queue and await keys.queues_called(practice, arguments.queue)
            return await keys.create_key(
                practice,
                Role(arguments.role.upper()),
                arguments.name,
                queue_ids=queue_ids,
                may_create_tasks=arguments.may_create_tasks,
                expires_at=arguments.expires,
            )

    print(asyncio.run(run()))
    return 0


def _list_keys(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> list[str]:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            return await keys.list_keys(practice, (await Clock.of_database())())

    print("\n".join(asyncio.run(run())))
    return 0


def _revoke_key(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            await keys.revoke_key(await keys.practice_called(arguments.practice), arguments.id)

    asyncio.run(run())
    return 0


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    order = Order(
        arguments.file,
        arguments.practice,
        arguments.queue,
        arguments.source,
        arguments.rejects,
        arguments.dry_run,
    )
    work = import_file(settings.database_url, settings.bus_url, order, settings.limits)
    return asyncio.run(work)


def _set_queue(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            (queue_id,) = await keys.queues_called(practice, [arguments.queue])
            given = {"ladder": arguments.ladder, "automatic_life": arguments.automatic_life}
            await set_queue(practice.id, queue_id, **given)

    try:
        asyncio.run(run())
    except ValueError as error:
        return _complain(str(error))
    return 0


def _schema(arguments: argparse.Namespace, _: Settings) -> int:
    text = schema_text()
    if not arguments.check:
        SCHEMA_FILE.write_text(text)
        return 0
    if SCHEMA_FILE.exists() and SCHEMA_FILE.read_text() == text:
        return 0
    return _complain("schema.graphql is not what the code says; write it with: callboard schema")


def _watch(arguments: argparse.Namespace, _: Settings) -> int:
    asyncio.run(watch.watch(arguments.url, arguments.key, arguments.queue or []))
    return 0


def _complain(message: str) -> int:
    print(f"callboard: {message}", file=sys.stderr)
    return 2


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("callboard", description="Live patient-contact task queues.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("demo", help="serve a sample practice from a folder")
    verb.add_argument(
        "--data", type=Path, default=Path(".callboard-demo"), metavar="DIR", help="where it is kept"
    )
    _add_address(verb)
    verb.set_defaults(run=_demo, workers=1)

    verb = verbs.add_parser("serve", help="serve the practices of the database")
    _add_address(verb)
    verb.add_argument("--workers", type=_number, default=1, metavar="N", help="server processes")
    verb.set_defaults(run=_serve)

    verb = verbs.add_parser("migrate", help="bring the database's tables up to date")
    verb.set_defaults(run=_migrate)

    verb = verbs.add_parser("expire", help="close the automatic tasks whose time is up")
    verb.add_argument("--force", action="store_true", help="also if the clock may be wrong")
    verb.set_defaults(run=_expire)

    verb = verbs.add_parser("prune", help="remove the events that are older than is kept")
    verb.add_argument("--force", action="store_true", help="also if the clock may be wrong")
    verb.set_defaults(run=_prune)

    verify.add(verbs.add_parser("verify", help="check that no event was changed or is missing"))

    verb = verbs.add_parser("schema", help="write schema.graphql")
    verb.add_argument("--check", action="store_true", help="only say whether it is up to date")
    verb.set_defaults(run=_schema)

    verb = verbs.add_parser("watch", help="show a practice's changes as they happen")
    verb.add_argument("--url", required=True, metavar="U", help="such as http://127.0.0.1:8000")
    verb.add_argument("--key", required=True, metavar="K")
    verb.add_argument("--queue", action="append", metavar="Q", help="a queue's name or id")
    verb.set_defaults(run=_watch)

    _add_import(verbs.add_parser("import", help="load a file of tasks into a queue"))
    _add_keys(verbs.add_parser("keys", help="create, list and revoke keys"))
    _add_queues(verbs.add_parser("queues", help="say what a queue gives to its tasks"))
    return parser


def _add_import(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", type=Path, metavar="FILE", help="a .csv or .jsonl file, in UTF-8")
    verb.add_argument("--practice", required=True, metavar="SLUG")
    verb.add_argument("--queue", required=True, metavar="NAME")
    verb.add_argument(
        "--source", default="import", help='whose ids external_id are; "import" unless it is given'
    )
    verb.add_argument("--rejects", type=Path, metavar="PATH", help="FILE.rejects.csv if not given")
    verb.add_argument("--dry-run", action="store_true", help="only say what would come of it")
    verb.set_defaults(run=_import)


def _add_queues(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("set", help='change what is given; "" takes it away')
    verb.add_argument("--practice", required=True, metavar="SLUG")
    verb.add_argument("--queue", required=True, metavar="NAME")
    verb.add_argument("--ladder", metavar="DAYS", help="when to call again, such as 1,7,21,60")
    verb.add_argument("--automatic-life", metavar="DAYS", help="how long automatic tasks live")
    verb.set_defaults(run=_set_queue)


def _add_keys(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("create", help="print a new key")
    verb.add_argument("--practice", required=True, metavar="SLUG")
    verb.add_argument("--role", required=True, type=str.lower, choices=[r.lower() for r in Role])
    verb.add_argument("--name", required=True, help="who acts through it")
    verb.add_argument("--queue", action="append", metavar="NAME", help="only this queue")
    verb.add_argument("--may-create-tasks", action="store_true", help="for partners")
    verb.add_argument("--expires", type=_moment, metavar="WHEN", help="such as 2027-01-31T18:00Z")
    verb.set_defaults(run=_create_key)
    verb = verbs.add_parser("list", help="show a practice's keys, without their secrets")
    verb.add_argument("--practice", required=True, metavar="SLUG")
    verb.set_defaults(run=_list_keys)
    verb = verbs.add_parser("revoke", help="make a key invalid from now on")
    verb.add_argument("--practice", required=True, metavar="SLUG")
    verb.add_argument("id", type=int, help="the key's number, from `keys list`")
    verb.set_defaults(run=_revoke_key)


def _add_address(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--host", default="127.0.0.1")
    verb.add_argument("--port", type=int, default=8000, help="8000 unless it is given")

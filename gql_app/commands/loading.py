"""`callboard import`: a file of tasks into a queue."""

import argparse
import asyncio
from pathlib import Path

from gql_app.commands.arguments import Verbs, add_practice
from gql_app.importing.command import Order, import_file
from gql_app.settings import Settings


def add(verbs: Verbs) -> None:
    verb = verbs.add("import", "load a file of tasks into a queue", run)
    verb.add_argument("file", type=Path, metavar="FILE", help="a .csv or .jsonl file, in UTF-8")
    add_practice(verb)
    verb.add_argument("--queue", required=True, metavar="NAME", help="the queue they come into")
    verb.add_argument(
        "--source",
        default="import",
        metavar="NAME",
        help='whose ids external_id are; "import" unless it is given',
    )
    verb.add_argument(
        "--rejects",
        type=Path,
        metavar="PATH",
        help="where rows go that cannot come in; FILE.rejects.csv unless it is given",
    )
    verb.add_argument("--dry-run", action="store_true", help="only say what would come of it")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 1 if some rows were rejected."""
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

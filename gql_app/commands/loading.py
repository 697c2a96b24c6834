"""`callboard import`: a file of tasks into a queue."""

import argparse
import asyncio

from gql_app.commands.importing.command import Order, import_file
from gql_app.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 1 if some rows were rejected."""
    order = Order(
        arguments.file,
        arguments.practice,
        arguments.queue,
        arguments.source,
        arguments.rejects,
        arguments.dry_run,
        arguments.map,
    )
    work = import_file(settings.database_url, settings.bus_url, order, settings.limits)
    return asyncio.run(work)

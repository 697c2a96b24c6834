"""`callboard watch`: where it watches, and with which key."""

import argparse
import asyncio
import getpass
import os
import sys

from gql_app import watch
from gql_app.commands.arguments import Verbs
from gql_app.settings import WATCH_KEY, Settings


def add(verbs: Verbs) -> None:
    verb = verbs.add("watch", "show a practice's changes as they happen", run)
    verb.add_argument(
        "--url", required=True, metavar="U", help="the server, such as http://127.0.0.1:8000"
    )
    verb.add_argument(
        "--key",
        metavar="K",
        help=f"the key, which others may see in a list of processes; without it, {WATCH_KEY}"
        " or a line of standard input is taken",
    )
    verb.add_argument(
        "--queue", action="append", metavar="Q", help="a queue's name or id; may be repeated"
    )


def run(arguments: argparse.Namespace, _: Settings) -> int:
    """Watch until Ctrl-C."""
    key = arguments.key or os.environ.get(WATCH_KEY) or _typed()
    asyncio.run(watch.watch(arguments.url, key.strip(), arguments.queue or []))
    return 0


def _typed() -> str:
    """A line of standard input, which a terminal does not show."""
    try:
        typed = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
    except (OSError, EOFError, UnicodeError):
        typed = ""
    if not typed.strip():
        raise watch.CannotWatch(f"no key: give one in {WATCH_KEY}, on standard input or by --key")
    return typed

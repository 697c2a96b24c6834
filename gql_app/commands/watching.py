"""`callboard watch`: where it watches, and with which key."""

import argparse
import asyncio
import getpass
import os
import sys

from gql_app.commands import watch
from gql_app.settings import WATCH_KEY, Settings


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

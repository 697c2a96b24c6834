"""`callboard doctor`: whether settings, database, bus and rows are as they have to be."""

import argparse
import asyncio
from datetime import timedelta

from gql_app.clock import Clock
from gql_app.live.bus import is_reachable
from gql_app.settings import Settings, address
from gql_app.terminal import say
from gql_app.work.upkeep.examining import Finding, examine
from models.database import opened, owns_tables
from models.database.opening import DATABASE_ERRORS, CannotOpen, failure
from models.database.server_log import unsafe_log_settings
from models.database.sqlite_modes import open_to_others
from models.limits import Busy


def run(_: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each thing that was looked at. Returns 1 if something is wrong."""
    return int(asyncio.run(_examine(settings)))


async def _examine(settings: Settings) -> bool:
    say("ok: the settings can be used")
    is_wrong = False
    for file in open_to_others(settings.database_url):
        is_wrong = _say_wrong(f"{file} is open to other users of this machine: chmod 600 {file}")
    try:
        async with opened(settings.database_url, settings.limits):
            owned = ", and this role may change them" if await owns_tables() else ""
            say(f"ok: database {address(settings.database_url)}, its tables are up to date{owned}")
            for name, value in (await unsafe_log_settings()).items():
                say(f"note: PostgreSQL may write rows into its own log: set {name} = {value}")
            kept = timedelta(days=settings.retention_days)
            found = await examine((await Clock.of_database())(), kept)
        is_wrong |= _tell(found)
    except CannotOpen as error:
        is_wrong = _say_wrong(str(error))
    except Busy as busy:
        is_wrong = _say_wrong(f"the database: {busy.reason}")
    except (ValueError, TypeError) as error:  # SQLite keeps a text where a date should be
        is_wrong = _say_wrong(f"a row cannot be read at all: {error}")
    except DATABASE_ERRORS as error:
        is_wrong = _say_wrong(f"the database has failed: {failure(error)}")
    bus = address(settings.bus_url)
    if await is_reachable(settings.bus_url):
        say(f"ok: bus {bus}")
        return is_wrong
    return _say_wrong(f"bus {bus} cannot be reached: changes are seen up to five seconds late")


def _tell(found: list[Finding]) -> bool:
    for finding in found:
        say(f"{'wrong' if finding.is_wrong else 'note'}: {finding.practice}: {finding.text}")
    wrong = any(finding.is_wrong for finding in found)
    if not wrong:
        say("ok: practices, queues and keys")
    return wrong


def _say_wrong(text: str) -> bool:
    say(f"wrong: {text}")
    return True

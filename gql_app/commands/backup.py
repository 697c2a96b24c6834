"""`callboard backup`: the whole database in a file, while a server runs; and looked through."""

import argparse
import asyncio
from datetime import UTC, datetime

from gql_app.commands.verify import Checked, checked
from gql_app.commands.whole_file import whole_file
from gql_app.settings import Settings, address
from gql_app.terminal import note, say
from models.checks import BadValue
from models.database import opened
from models.database.backup import back_up, is_of_database, make_single, sqlite_file
from models.database.opening import CannotOpen


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the backup. Returns 1 if the history in it was changed."""
    path, url = arguments.file, settings.database_url
    if is_of_database(url, path):
        raise BadValue(f"{path} is the database itself: name another file")
    moment = datetime.now(UTC)
    with whole_file(path, may_replace=arguments.force) as unfinished:
        back_up(url, unfinished)
        is_file = sqlite_file(url) is not None
        # A dump is not opened. What was dumped is still in the database.
        written = f"sqlite://{unfinished}" if is_file else url
        found = asyncio.run(_checked(written, settings))
        if is_file:
            make_single(unfinished)
    changed = [line for line, is_changed in found or () if is_changed]
    for line in changed:
        say(line)
    size = path.stat().st_size
    say(f"{path}: {address(url)} as of {moment:%Y-%m-%dT%H:%M:%SZ}, {size:,} bytes{_told(found)}")
    return int(bool(changed))


async def _checked(url: str, settings: Settings) -> list[Checked] | None:
    """What `verify` finds; None for tables of another version, which it cannot read."""
    try:
        async with opened(url, settings.limits):
            return [each async for each in checked(None)]
    except CannotOpen as error:
        note(f"the backup is whole, but its events could not be checked: {error}")
        return None


def _told(found: list[Checked] | None) -> str:
    if found is None:
        return ""
    if any(is_changed for _, is_changed in found):
        return ", in which history was changed"
    return ", checked"

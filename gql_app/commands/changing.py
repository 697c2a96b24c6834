"""Changes that an operator asks for: who makes them, and how running servers learn of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gql_app.access import Origin, Viewer
from gql_app.access.keys import command_line_viewer, staff_called
from gql_app.clock import Clock
from gql_app.live.bus import ringing
from gql_app.settings import Settings
from gql_app.work.changes import Changes
from models.checks import BadValue
from models.database import opened
from models.practice import Practice
from models.refusals import Refusal
from models.roles import Role


@asynccontextmanager
async def changing(settings: Settings, verb: str) -> AsyncIterator[Changes]:
    """The runner of changes for a verb, over the open database."""
    async with opened(settings.database_url, settings.limits), ringing(settings.bus_url) as ring:
        changes = Changes(ring, await Clock.of_database()).asked(Origin(f"callboard {verb}"))
        try:
            yield changes
        finally:
            await changes.drain()


async def admin(changes: Changes, practice: Practice) -> Viewer:
    """Whoever uses the command line, as an admin of the practice who is named for what is done."""
    name = changes.origin.operation
    staff_id = await changes.make_for(practice.id, staff_called, name)
    return command_line_viewer(practice, staff_id, name, Role.ADMIN)


def insist(refusals: Sequence[Refusal]) -> None:
    """Raise `BadValue` for what was refused."""
    if refusals:
        raise BadValue(" ".join(refusal.message for refusal in refusals), refusals[0].code)

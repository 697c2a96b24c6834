"""What verbs share that change a practice: the runner of changes, and refusals as one line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gql_app.access import Origin
from gql_app.clock import Clock
from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from models.checks import BadValue
from models.refusals import Refusal


async def runner_for(verb: str) -> Changes:
    """The runner of changes, for what an operator asks for by a verb. Servers that are up look for
    themselves at what has changed."""
    return Changes(ring_nobody, await Clock.of_database()).asked(Origin(f"callboard {verb}"))


def unless_refused(refusals: Sequence[Refusal]) -> None:
    """Raise `BadValue` if there are refusals, with the words of the first."""
    if refusals:
        raise BadValue(refusals[0].message, refusals[0].code)


def minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

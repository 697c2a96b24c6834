"""Whether what is due may be done all at once, or the clock is more likely to be wrong.

Asked before much is closed or removed for good: a server that starts with a clock that is a month
ahead finds that everything is due. What is on record tells the two apart, and nothing else has to
be kept for it.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.clock import Doubtful
from models.database import fetch

FEW = 10
"""Up to this many are always done, so that a small practice is not asked about each task."""

SHARE = 10
"""If more than one in ten is due, an operator is asked."""

FIRST_WITNESS, LAST_WITNESS = timedelta(days=6), timedelta(days=3)
"""If people use Callboard, there is a task or a contact in these three days, which always hold a
working day. If the clock was set ahead, there is none. If people go on working, there are some
again three days later; until then they can see that the dates on their screens are wrong."""


class _Found(NamedTuple):
    practice_id: int


_WORK = """
SELECT p.id FROM practice p WHERE EXISTS (
    SELECT 1 FROM task t
    WHERE t.practice_id = p.id AND t.created_at >= $1 AND t.created_at < $2
) OR EXISTS (
    SELECT 1 FROM contact c WHERE c.practice_id = p.id
      AND COALESCE(c.contacted_at, c.logged_at) >= $1
      AND COALESCE(c.contacted_at, c.logged_at) < $2
) LIMIT 1
"""


async def check_share(verb: str, due: int, of: int, now: datetime) -> None:
    """Raise `Doubtful` if `due` of so many are too much to be done at once by a clock that shows
    `now`. Only those count that should have been done some time ago: many that fall due together,
    because they were imported together, are nothing to wonder at."""
    if due <= FEW or due * SHARE <= of:
        return
    first, last = now - FIRST_WITNESS, now - LAST_WITNESS
    if not await fetch(_Found, _WORK, first, last):
        raise Doubtful(
            f"the clock may be wrong: at {now:%Y-%m-%d %H:%M} UTC, {due:,} of {of:,} are long due"
            f" at once, and nobody worked from {first:%Y-%m-%d} to {last:%Y-%m-%d}. Nothing is done"
            f" about them until somebody works again, or you run: callboard {verb} --force"
        )

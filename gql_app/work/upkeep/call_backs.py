"""Call-backs by the clock: told when it is time, passed on where who promised is not there.

Events are what dashboards light up by. Claims go by the clock itself: they hand a call-back out
also if no sweeper has told it yet.
"""

from datetime import datetime

from gql_app.clock import Clock
from gql_app.work.changes import Changes
from gql_app.work.promises import IS_HERE, pass_call_back_on, tell_call_back
from gql_app.work.upkeep.expiry import keep_doing, sweep_by
from models.call_back import AWAY_AFTER, GRACE

# By way of the practices, so that each is looked up in its own index.
_NEXT_TO_TELL = """
SELECT t.practice_id, t.id, t.follow_up_at FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.follow_up_at IS NOT NULL AND t.call_back_told_at IS NULL AND t.follow_up_at <= $1
ORDER BY t.follow_up_at LIMIT 500
"""

# Those that are being called are looked at again when that is over.
_NEXT_TO_PASS_ON = f"""
SELECT t.practice_id, t.id, t.follow_up_at FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.call_back_told_at IS NOT NULL AND t.call_back_by_id IS NOT NULL
  AND (t.claimed_until IS NULL OR t.claimed_until <= $1)
  AND (t.follow_up_at <= $3 OR EXISTS (SELECT 1 FROM staff s
    WHERE s.practice_id = t.practice_id AND s.id = t.call_back_by_id AND NOT {IS_HERE}))
ORDER BY t.follow_up_at LIMIT 500
"""


async def tell_call_backs(changes: Changes, now: datetime) -> int:
    """Tell of every call-back that is due by `now`. Returns how many were told."""
    return await sweep_by(changes, _NEXT_TO_TELL, tell_call_back, now)


async def pass_call_backs_on(changes: Changes, now: datetime) -> int:
    """Pass on every call-back that has waited for too long by `now`, or whose owner is away.
    Returns how many were passed on."""
    values = (now - AWAY_AFTER, now - GRACE)
    return await sweep_by(changes, _NEXT_TO_PASS_ON, pass_call_back_on, now, *values)


async def keep_calling_back(changes: Changes, clock: Clock) -> None:
    """Tell of call-backs and pass them on until cancelled, waking when the next one is due. One
    that is to be passed on may wait some seconds longer."""

    async def both(now: datetime) -> int:
        return await tell_call_backs(changes, now) + await pass_call_backs_on(changes, now)

    await keep_doing(both, _NEXT_TO_TELL, clock)

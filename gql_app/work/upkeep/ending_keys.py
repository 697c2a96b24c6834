"""Warns in the log of keys that end soon, so that a program is not locked out one morning."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access.keys import ENDS_SOON
from gql_app.logs.retrying import retried
from models.database import fetch

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0


class _Ending(NamedTuple):
    practice_id: int
    id: int
    expires_at: datetime


_ENDING = """
SELECT k.practice_id, k.id, k.expires_at FROM access_key k
WHERE k.kind = 'KEY' AND k.revoked_at IS NULL AND k.expires_at > $1 AND k.expires_at <= $2
ORDER BY k.expires_at, k.practice_id, k.id LIMIT 1000
"""


async def warn_of_ends(now: datetime, told: dict[int, date]) -> None:
    """Name the keys that end soon, each of them once a day. `told` is what was told before: the day
    by the key's number."""
    ending = await fetch(_Ending, _ENDING, now, now + ENDS_SOON)
    for key in ending:
        if told.get(key.id) != now.date():
            ends = f"{key.expires_at:%Y-%m-%d %H:%M} UTC"
            log.warning("practice %d: key %d ends at %s", key.practice_id, key.id, ends)
    told.clear()
    told.update((key.id, now.date()) for key in ending)


async def keep_warning_of_ends(clock: Callable[[], datetime]) -> None:
    """Look every hour, until cancelled."""
    told: dict[int, date] = {}
    while True:
        with retried(log, "keys that end soon were not looked for"):
            await warn_of_ends(clock(), told)
        await asyncio.sleep(ROUND_SECONDS)

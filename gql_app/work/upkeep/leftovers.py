"""Gives back what retired people, and guests who have gone, still hold. Retiring somebody does
it at once; this is for where that was cut off, or where somebody gave them a task at the same
moment."""

import asyncio
import logging
from functools import partial
from typing import NamedTuple

from gql_app.logs.retrying import retried
from gql_app.work.changes import Changes
from gql_app.work.giving_back import give_back
from models.database import fetch
from models.limits import Busy
from models.task import IS_OPEN

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0


class _Left(NamedTuple):
    practice_id: int
    staff_id: int


# Somebody who was retired may act by a key that was made for their name since.
_LEFT = f"""
SELECT k.practice_id, k.staff_id FROM access_key k
WHERE k.kind IN ('PERSON', 'GUEST') AND k.revoked_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM task t
      WHERE t.practice_id = k.practice_id AND t.assignee_id = k.staff_id AND {IS_OPEN})
  AND NOT EXISTS (SELECT 1 FROM access_key o
      WHERE o.practice_id = k.practice_id AND o.staff_id = k.staff_id AND o.revoked_at IS NULL)
"""


async def give_back_leftovers(changes: Changes) -> int:
    """Give back what retired people hold in all practices. Returns of how many people."""
    left = await fetch(_Left, _LEFT)
    for practice_id, staff_id in left:
        try:
            await give_back(partial(changes.make_for, practice_id), staff_id)
        except Busy:  # the log has named the practice; the others need not wait for it
            continue
    return len(left)


async def keep_giving_back(changes: Changes) -> None:
    """Look every minute, until cancelled."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        with retried(log, "leftovers were not given back"):
            await give_back_leftovers(changes)

"""Patients whose rows were written by hand, or by an older version: their numbers are shown, and
they are found, as those of all others are."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import NamedTuple

from gql_app.logs.retrying import retried
from gql_app.work.changes import Change, Changes
from gql_app.work.patients import index_patients
from models.database import Id, fetch, for_update_but_its_key, has_row_locks
from models.limits import Busy

log = logging.getLogger(__name__)

BATCH = 50
"""Patients of one transaction, which keeps who works on them waiting."""

LOOK_SECONDS = 1.0
REST = 9
"""How many times as long as a batch has taken to rest after it."""


class _NotIndexed(NamedTuple):
    id: int
    name: str
    phone: str


# By way of the practices, so that each is looked up in its own index.
_PRACTICES = """
SELECT o.id FROM practice o
WHERE EXISTS (SELECT 1 FROM patient p WHERE p.practice_id = o.id AND NOT p.is_indexed) ORDER BY o.id
"""

_NEXT = """
SELECT p.id, p.name, p.phone FROM patient p
WHERE p.practice_id = $1 AND NOT p.is_indexed ORDER BY p.id LIMIT {}
"""


async def index_some(changes: Changes) -> int:
    """Index a batch of a practice's patients who are not indexed. Returns how many there were; one
    whose row is locked is passed over until the next time."""
    for practice in await fetch(Id, _PRACTICES):
        with suppress(Busy):  # the log has named the practice; the others need not wait for it
            if indexed := await changes.make_for(practice.id, _index_batch):
                return indexed
    return 0


async def _index_batch(change: Change) -> int:
    lock = f"{for_update_but_its_key()} OF p SKIP LOCKED" if has_row_locks() else ""
    found = await fetch(_NotIndexed, _NEXT.format(BATCH) + lock, change.practice_id)
    if found:
        await index_patients(change.practice_id, found)
    return len(found)


async def index_all(changes: Changes) -> int:
    """Index everybody who is not indexed, a batch at a time. Returns how many."""
    indexed = 0
    while some := await index_some(changes):
        indexed += some
    return indexed


async def keep_indexing(changes: Changes) -> None:
    """Index the patients that are not indexed, until cancelled."""
    while True:
        begun, some = time.monotonic(), 0
        with retried(log, "patients could not be indexed"):
            some = await index_some(changes)
        await asyncio.sleep(REST * (time.monotonic() - begun) if some else LOOK_SECONDS)

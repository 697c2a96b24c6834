"""Patients whose rows were written by hand, or by an older version: their numbers are shown, and
they are found, as those of all others are."""

import asyncio
import logging
import time
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from gql_app.work.patients import index_patients
from models.database import fetch, for_update_but_its_key, has_row_locks, transaction

log = logging.getLogger(__name__)

BATCH = 50
"""Patients of one transaction, which keeps who works on them waiting."""

LOOK_SECONDS = 1.0
REST = 9
"""How many times as long as a batch has taken to rest after it."""


class _NotIndexed(NamedTuple):
    id: int
    practice_id: int
    name: str
    phone: str


# By way of the practices, so that each is looked up in its own index.
_NEXT = """
SELECT p.id, p.practice_id, p.name, p.phone FROM practice o
JOIN patient p ON p.practice_id = o.id AND NOT p.is_indexed
ORDER BY p.practice_id, p.id LIMIT {}
"""


async def index_some() -> int:
    """Index a batch of the patients who are not indexed. Returns how many there were; one whose row
    is locked is passed over until the next time."""
    if not await fetch(_NotIndexed, _NEXT.format(1)):
        return 0
    async with transaction():
        lock = f"{for_update_but_its_key()} OF p SKIP LOCKED" if has_row_locks() else ""
        found = await fetch(_NotIndexed, _NEXT.format(BATCH) + lock)
        for practice_id, patients in groupby(found, key=attrgetter("practice_id")):
            await index_patients(practice_id, patients)
    return len(found)


async def index_all() -> int:
    """Index everybody who is not indexed, a batch at a time. Returns how many it were."""
    indexed = 0
    while some := await index_some():
        indexed += some
    return indexed


async def keep_indexing() -> None:
    """Index the patients that are not indexed, until cancelled."""
    while True:
        begun, some = time.monotonic(), 0
        try:
            some = await index_some()
        except Exception as error:  # the database may be away; the next look tries again
            log.warning("patients could not be indexed: %s", type(error).__name__)
        await asyncio.sleep(REST * (time.monotonic() - begun) if some else LOOK_SECONDS)

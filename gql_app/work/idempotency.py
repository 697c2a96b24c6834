"""Idempotency keys are kept for a day. After that a key is as if it were new.

The clock decides, not the sweeper: who meets a key that is too old takes it off first.
"""

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access import Viewer
from models.database import fetch, for_update, snapshot, transaction, write
from models.limits import Busy

KEPT = timedelta(hours=24)

BATCH = 500


class _Keyed(NamedTuple):
    """Rows that carry a key: their table, and the column that says since when."""

    table: str
    since: str


CONTACT_KEYS = _Keyed("contact", "logged_at")
TASK_KEYS = _Keyed("task", "created_at")


class _PracticeId(NamedTuple):
    practice_id: int


def stored_key(viewer: Viewer, key: str | None) -> str | None:
    """An idempotency key as it is stored. They are unique within the practice. What comes from a
    limited key is made its holder's own first: a refusal would tell that somebody has used the same
    one for a task in another queue."""
    if key is None or viewer.queue_ids is None:
        return key
    return _own(viewer, key)


def keys_as_stored(viewer: Viewer, key: str) -> tuple[str, str]:
    """What may be stored for `key`: as it was sent, which may be another's, and as its holder's
    own. The holder may have sent it first with another key to the practice."""
    return key, _own(viewer, key)


def _own(viewer: Viewer, key: str) -> str:
    return "own:" + hashlib.sha256(f"{viewer.staff_id}:{key}".encode()).hexdigest()


def is_kept(since: datetime, now: datetime) -> bool:
    """Whether a key that was used at `since` still counts."""
    return since > now - KEPT


async def free_key(keyed: _Keyed, viewer: Viewer, key: str, now: datetime) -> None:
    """Take what is to be stored for `key` off its row if it is too old, inside the caller's
    transaction."""
    sql = f"""UPDATE {keyed.table} SET idempotency_key = NULL
    WHERE practice_id = $1 AND idempotency_key = $2 AND {keyed.since} <= $3"""
    await write(sql, viewer.practice_id, stored_key(viewer, key), now - KEPT)


async def forget_old_keys(now: datetime) -> int:
    """Take all keys off that are too old. Returns how many."""
    before, forgotten = now - KEPT, 0
    for keyed in (CONTACT_KEYS, TASK_KEYS):
        sql = f"""SELECT p.id FROM practice p WHERE EXISTS (
            SELECT 1 FROM {keyed.table} r
            WHERE r.practice_id = p.id AND r.idempotency_key IS NOT NULL AND r.{keyed.since} <= $1)
        """
        async with snapshot(is_long=True):
            practices = await fetch(_PracticeId, sql, before)
        for practice in practices:
            with suppress(Busy):  # the next round tries again
                forgotten += await _forget(keyed, practice.practice_id, before)
    return forgotten


async def _forget(keyed: _Keyed, practice_id: int, before: datetime) -> int:
    """A batch at a time, so that no log waits for long."""
    forgotten, batch = 0, BATCH
    while batch == BATCH:
        async with transaction():
            sql = f"""UPDATE {keyed.table} SET idempotency_key = NULL
            WHERE practice_id = $1 AND id IN (
                SELECT r.id FROM {keyed.table} r
                WHERE r.practice_id = $1 AND r.idempotency_key IS NOT NULL
                  AND r.{keyed.since} <= $2
                ORDER BY r.{keyed.since}, r.id LIMIT {BATCH} {for_update()})
            RETURNING id"""
            batch = len(await write(sql, practice_id, before))
        forgotten += batch
    return forgotten

"""Requests under an idempotency key: each is carried out once, and answered again when it comes
again. A key is kept for a day. After that it is as if it were new.

The clock decides, not the sweeper: a change that meets a key which is too old removes it first.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from gql_app.access import Viewer
from gql_app.work.changes import Change, Changes
from models.database import Id, fetch, for_update, snapshot, write
from models.idempotency import USE_COLUMNS, UseRow
from models.limits import Busy
from models.refusals import Refusal, RefusalCode

KEPT = timedelta(hours=24)

BATCH = 500

KEY_REUSED = Refusal(
    RefusalCode.IDEMPOTENCY_MISMATCH,
    "This idempotency key was used for another request.",
    "idempotencyKey",
)


class Request(NamedTuple):
    """A request under a key. `content` is all that it asks for."""

    operation: str
    key: str
    content: Sequence[object]

    @property
    def digest(self) -> bytes:
        """The SHA-256 of `content`, 32 bytes. The same moment in two time zones is the same."""
        plain = [
            value.astimezone(UTC) if isinstance(value, datetime) else value
            for value in self.content
        ]
        return hashlib.sha256(orjson.dumps(plain)).digest()


class Earlier(NamedTuple):
    """What came of the request that used the key first, and whether that was the same request; None
    where the key is from before there were digests."""

    result: dict[str, Any]
    is_same: bool | None


async def earlier_use(change: Change, request: Request) -> Earlier | None:
    """The use of a request's key that still counts; None if there is none."""
    viewer = change.viewer
    values: list[object] = [
        viewer.practice_id,
        request.operation,
        request.key,
        _own(viewer, request.key),
    ]
    where = "practice_id = $1 AND operation = $2 AND key IN ($3, $4)"
    if viewer.queue_ids is not None:
        # What others have sent under the same key may be of tasks that this key does not allow.
        values.append(viewer.staff_id)
        where += " AND (key = $4 OR staff_id = $5)"
    found = await fetch(
        UseRow, f"SELECT {USE_COLUMNS} FROM idempotency_key u WHERE {where}", *values
    )
    kept = [use for use in found if use.at > change.now - KEPT]
    if len(kept) < len(found):
        old = f"DELETE FROM idempotency_key WHERE {where} AND at <= ${len(values) + 1}"
        await write(old, *values, change.now - KEPT)
    if not kept:
        return None
    digest = request.digest
    use = max(kept, key=lambda use: (use.digest == digest, use.at))
    return Earlier(json.loads(use.result), None if use.digest is None else use.digest == digest)


def keep_result(change: Change, request: Request, **result: object) -> None:
    """Keep what came of a request, for when it comes again."""
    change.keep_result(
        {
            "practice_id": change.practice_id,
            "operation": request.operation,
            "key": _stored_key(change.viewer, request.key),
            "staff_id": change.viewer.staff_id,
            "digest": request.digest,
            "result": json.dumps(result),
            "at": change.now,
        }
    )


def _stored_key(viewer: Viewer, key: str) -> str:
    """A key as it is stored. Keys are unique within the practice. What comes from a limited key is
    made its holder's own first: a refusal would tell that somebody has used the same one for a task
    in another queue."""
    return key if viewer.queue_ids is None else _own(viewer, key)


def _own(viewer: Viewer, key: str) -> str:
    return "own:" + hashlib.sha256(f"{viewer.staff_id}:{key}".encode()).hexdigest()


async def forget_old_keys(changes: Changes, now: datetime) -> int:
    """Remove all keys that are too old. Returns how many."""
    before, forgotten = now - KEPT, 0
    sql = """SELECT p.id FROM practice p WHERE EXISTS (
        SELECT 1 FROM idempotency_key u WHERE u.practice_id = p.id AND u.at <= $1)"""
    async with snapshot(is_long=True):
        practices = await fetch(Id, sql, before)
    for practice in practices:
        with suppress(Busy):  # the next round tries again
            while some := await changes.make_for(practice.id, _forget_some, before):
                forgotten += some
    return forgotten


async def _forget_some(change: Change, before: datetime) -> int:
    """A batch at a time, so that no log waits for long."""
    sql = f"""DELETE FROM idempotency_key WHERE practice_id = $1 AND id IN (
        SELECT u.id FROM idempotency_key u WHERE u.practice_id = $1 AND u.at <= $2
        ORDER BY u.at, u.id LIMIT {BATCH} {for_update()})
    RETURNING id"""
    return len(await write(sql, change.practice_id, before))

"""The keys of a practice, as admins and operators read them: all but their secrets."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_id_cursor
from gql_app.work.reads.staff import queues_of
from models.database import fetch, fetch_first


class KeyState(StrEnum):
    VALID = "VALID"  # it lets somebody in
    EXPIRED = "EXPIRED"  # its time is up
    REVOKED = "REVOKED"  # somebody has ended it


class KeyRow(NamedTuple):
    """A key; `models.access.AccessKey` says what the columns mean. `name` acts through it."""

    id: int
    practice_id: int
    role: str  # one that is no Role shows in a list of all keys too
    staff_id: int
    name: str
    queue_ids: str | None
    may_create_tasks: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def queues(self) -> list[int] | None:
        return queues_of(self.queue_ids)

    def state(self, now: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        has_expired = self.expires_at is not None and self.expires_at <= now
        return KeyState.EXPIRED if has_expired else KeyState.VALID


_KEYS = """
SELECT k.id, k.practice_id, k.role, k.staff_id, s.name, k.queue_ids, k.may_create_tasks,
    k.created_at, k.expires_at, k.revoked_at, k.last_used_at
FROM access_key k JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
"""


async def keys_page(viewer: Viewer, first: int, after: str | None) -> Page[KeyRow]:
    """A page of the keys, the newest first. Raises `Forbidden` and `BadInput`."""
    viewer.require(viewer.may_manage_access, "see to keys")
    where = Conditions.of(viewer, "k")
    where.add("k.kind = 'KEY'")
    if after is not None:
        where.add(f"k.id < ${where.value(read_id_cursor(viewer.practice_id, after))}")
    sql = f"{_KEYS} WHERE {where} ORDER BY k.id DESC LIMIT {row_limit(first)}"
    return page_of(await fetch(KeyRow, sql, *where.values), first, after)


async def keys_of(practice_id: int) -> list[KeyRow]:
    """All keys of a practice, by their numbers."""
    where = "k.practice_id = $1 AND k.kind = 'KEY'"
    return await fetch(KeyRow, f"{_KEYS} WHERE {where} ORDER BY k.id", practice_id)


async def key_of(practice_id: int, key_id: int) -> KeyRow | None:
    """A key of a practice; None if there is none of this number."""
    where = "k.practice_id = $1 AND k.kind = 'KEY' AND k.id = $2"
    return await fetch_first(KeyRow, f"{_KEYS} WHERE {where}", practice_id, key_id)

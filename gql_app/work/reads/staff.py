"""The people of a practice, as admins read them: each with what they may do and what they hold."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_id_cursor
from gql_app.work.reads.history import StaffRow, can_call
from models.access import read_queue_ids
from models.database import fetch, fetch_first
from models.roles import Role
from models.task import IS_OPEN

MOST_ASSIGNEES = 500


class StaffState(StrEnum):
    INVITED = "INVITED"  # has not signed in yet
    ACTIVE = "ACTIVE"  # has a way to sign in
    RETIRED = "RETIRED"  # may do nothing any more


class Member(NamedTuple):
    """A person who was invited. `id` is the number of the member of staff, `key_id` of the row with
    what they may do, and `queue_ids` the text of its column. `may_sign_in` says whether they have a
    passkey or are known to the identity provider; `invited_until` is when their invitation ends, or
    has ended, null if it was used or withdrawn. `claimed` and `assigned` are open tasks."""

    id: int
    practice_id: int
    key_id: int
    name: str
    email: str | None
    role: Role
    queue_ids: str | None
    retired_at: datetime | None
    passkeys: int
    is_known: bool
    invited_until: datetime | None
    signed_in_at: datetime | None
    claimed: int
    assigned: int

    @property
    def queues(self) -> list[int] | None:
        return queues_of(self.queue_ids)

    @property
    def state(self) -> StaffState:
        if self.retired_at is not None:
            return StaffState.RETIRED
        return StaffState.ACTIVE if self.passkeys or self.is_known else StaffState.INVITED


_MEMBERS = f"""
SELECT s.id, s.practice_id, k.id, s.name, s.email, k.role, k.queue_ids, k.revoked_at,
    (SELECT COUNT(*) FROM passkey y WHERE y.practice_id = k.practice_id AND y.staff_id = s.id),
    s.subject IS NOT NULL,
    (SELECT MAX(i.expires_at) FROM access_key i WHERE i.practice_id = k.practice_id
        AND i.parent_id = k.id AND i.kind = 'INVITE' AND i.revoked_at IS NULL),
    s.signed_in_at,
    (SELECT COUNT(*) FROM task t WHERE t.practice_id = k.practice_id AND t.claimed_by_id = s.id
        AND t.claimed_until > $2),
    (SELECT COUNT(*) FROM task t WHERE t.practice_id = k.practice_id AND t.assignee_id = s.id
        AND {IS_OPEN})
FROM access_key k JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
"""
"""The second parameter is the moment at which it is asked."""


def queues_of(column: str | None) -> list[int] | None:
    """The queues that a key is limited to, None if it is not. A column that cannot be read, because
    somebody has written it by hand, lets nobody in: that is none."""
    try:
        ids = read_queue_ids(column)
    except ValueError:
        return []
    return None if ids is None else sorted(ids)


async def members_page(
    viewer: Viewer, first: int, after: str | None, now: datetime, *, include_retired: bool
) -> Page[Member]:
    """A page of the people, those first who were known first. Raises `Forbidden` and `BadInput`."""
    viewer.require(viewer.may_manage_access, "see to people")
    where = Conditions.of(viewer, "k")
    where.value(now)
    where.add("k.kind = 'PERSON'")
    if not include_retired:
        where.add("k.revoked_at IS NULL")
    if after is not None:
        where.add(f"s.id > ${where.value(read_id_cursor(viewer.practice_id, after))}")
    sql = f"{_MEMBERS} WHERE {where} ORDER BY s.id LIMIT {row_limit(first)}"
    return page_of(await fetch(Member, sql, *where.values), first, after)


async def member_of(practice_id: int, staff_id: int, now: datetime) -> Member | None:
    """A person of a practice; None if nobody was invited who has this number."""
    where = "k.kind = 'PERSON' AND k.practice_id = $1 AND k.staff_id = $3"
    return await fetch_first(Member, f"{_MEMBERS} WHERE {where}", practice_id, now, staff_id)


async def members_of(practice_id: int, now: datetime) -> list[Member]:
    """All people of a practice, by name."""
    where = "k.kind = 'PERSON' AND k.practice_id = $1"
    return await fetch(Member, f"{_MEMBERS} WHERE {where} ORDER BY s.name, s.id", practice_id, now)


async def assignees(viewer: Viewer, now: datetime) -> list[StaffRow]:
    """Those to whom the viewer may give tasks, by name: they have a key, or sign in, and may log
    contacts in one of the viewer's queues. Raises `Forbidden`."""
    viewer.require(viewer.may_move_tasks, "reassign tasks")
    where = Conditions.of(viewer, "s")
    where.add(can_call(where, viewer, now))
    sql = f"""SELECT s.id, s.practice_id, s.name FROM staff s WHERE {where}
    ORDER BY s.name, s.id LIMIT {MOST_ASSIGNEES}"""
    return await fetch(StaffRow, sql, *where.values)

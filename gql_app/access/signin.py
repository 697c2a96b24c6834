"""Signing in to the dashboard: a session that a key, or a link that was made for it, begins.

A session is a key of its own that was made from another: it may do the same, it ends with it, and a
stolen one is worth half a day. A link begins one session. The three tell themselves apart by how
they begin, which their digests cover: `cb_` a key, `cs_` a session, `cl_` a link.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gql_app.access.lookup import SESSION, digest, practice_of
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated, Viewer
from models.access import AccessKey
from models.audit import AuditAction
from models.database import Id, fetch, write

SESSION_LASTS = timedelta(hours=12)
LINK = "cl"
LINK_LASTS = timedelta(hours=1)
KEPT = timedelta(days=1)

_NO_LINK = "The link is not valid, or was used before."


class SignedIn(NamedTuple):
    """A session's token, which is shown once, and when it ends."""

    token: str
    expires_at: datetime


async def begin_session(change: ChangeOfPractice, key_id: int) -> SignedIn:
    """Begin a session with a key. Raises `Unauthenticated`."""
    session, signed_in = await _derive(change, key_id, SESSION, SESSION_LASTS)
    who = {"staff_id": session.staff_id, "key_id": session.id}
    change.note(AuditAction.SIGN_IN, f"by key {key_id}", **who)
    return signed_in


async def create_link(change: ChangeOfPractice, key_id: int) -> str:
    """What begins one session, within an hour, in place of the key. Raises `Unauthenticated`."""
    _, link = await _derive(change, key_id, LINK, LINK_LASTS)
    change.note(AuditAction.KEY, f"a link for key {key_id}")
    return link.token


async def begin_session_by_link(change: ChangeOfPractice, link: str) -> SignedIn:
    """Begin a session with a link, which is used up by it. Raises `Unauthenticated`."""
    parents = await _parents(change.practice_id, link, change.now)
    if not parents:
        raise Unauthenticated(_NO_LINK, "link")
    # The key's row is locked first, as where the key is revoked with all that it has begun.
    signed_in = await begin_session(change, parents[0].id)
    used = await write(
        "UPDATE access_key SET revoked_at = $3 WHERE practice_id = $1 AND digest = $2"
        " AND revoked_at IS NULL RETURNING id",
        *(change.practice_id, digest(link), change.now),
    )
    if not used:
        raise Unauthenticated(_NO_LINK, "link")
    return signed_in


async def practice_of_link(link: str, now: datetime) -> int:
    """The practice that a link is for. Raises `Unauthenticated` if the link is not valid: a change
    is made only for one that is, because it keeps the practice's other changes waiting."""
    practice_id = practice_of(link, LINK)
    if practice_id is None or not await _parents(practice_id, link, now):
        raise Unauthenticated(_NO_LINK, "link")
    return practice_id


async def _parents(practice_id: int, link: str, now: datetime) -> list[Id]:
    """The key that a valid link was made from, or none."""
    sql = """SELECT k.parent_id FROM access_key k WHERE k.practice_id = $1 AND k.digest = $2
    AND k.parent_id IS NOT NULL AND k.revoked_at IS NULL AND k.expires_at > $3"""
    return await fetch(Id, sql, practice_id, digest(link), now)


async def end_session(change: ChangeOfPractice, viewer: Viewer) -> None:
    """End the viewer's session; its open streams are closed as those of any revoked key."""
    session = AccessKey.filter(practice_id=change.practice_id, id=viewer.key_id)
    if await session.filter(parent_id__not_isnull=True).update(revoked_at=change.now):
        change.note(AuditAction.SIGN_OUT)


async def with_ended_sessions(now: datetime) -> list[int]:
    """The practices that have sessions or links which ended long ago."""
    sql = """SELECT DISTINCT practice_id FROM access_key
    WHERE parent_id IS NOT NULL AND expires_at < $1"""
    return [found.id for found in await fetch(Id, sql, now - KEPT)]


async def forget_ended_sessions(change: ChangeOfPractice, now: datetime) -> None:
    """Remove the practice's sessions and links that ended long ago; keys are kept."""
    ended = AccessKey.filter(practice_id=change.practice_id, parent_id__not_isnull=True)
    await ended.filter(expires_at__lt=now - KEPT).delete()


async def _derive(
    change: ChangeOfPractice, key_id: int, kind: str, lasts: timedelta
) -> tuple[AccessKey, SignedIn]:
    # Locked, so that the key is not revoked meanwhile, and its sessions without this one.
    keys = AccessKey.filter(practice_id=change.practice_id, id=key_id, revoked_at=None)
    parent = await keys.select_for_update().first()
    if parent is None:
        raise Unauthenticated("The key is not valid.", "revoked")
    token = f"{kind}_{change.practice_id}_{secrets.token_urlsafe(32)}"
    expires_at = min(change.now + lasts, parent.expires_at or datetime.max.replace(tzinfo=UTC))
    derived = await AccessKey.create(
        practice_id=change.practice_id,
        digest=digest(token),
        role=parent.role,
        staff_id=parent.staff_id,
        queue_ids=parent.queue_ids,
        may_create_tasks=parent.may_create_tasks,
        created_at=change.now,
        expires_at=expires_at,
        parent_id=parent.id,
    )
    return derived, SignedIn(token, expires_at)

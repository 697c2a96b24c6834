"""Signing in to the dashboard: a session that a key, or a link that was made for it, begins.

A session is a key of its own that was made from another: it may do the same, it ends with it, and a
stolen one is worth half a day. A link begins one session. The three tell themselves apart by how
they begin, which their digests cover: `cb_` a key, `cs_` a session, `cl_` a link.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from gql_app.access.lookup import SESSION, authenticate, digest, practice_of
from gql_app.access.viewer import Unauthenticated, Viewer
from gql_app.clock import machine_time
from models.access import AccessKey
from models.database import transaction, write

SESSION_LASTS = timedelta(hours=12)
LINK = "cl"
LINK_LASTS = timedelta(hours=1)
KEPT = timedelta(days=1)

Clock: TypeAlias = Callable[[], datetime]


class SignedIn(NamedTuple):
    """A session's token, which is shown once, and when it ends."""

    token: str
    expires_at: datetime


async def sign_in(key: str, clock: Clock = machine_time) -> SignedIn:
    """Begin a session with a key. Raises `Unauthenticated`."""
    viewer = await authenticate(key, clock=clock)
    async with transaction():
        return await _derive(viewer.practice_id, viewer.key_id, SESSION, SESSION_LASTS, clock())


async def create_link(key: str, clock: Clock = machine_time) -> str:
    """What begins one session, within an hour, in place of `key`. Raises `Unauthenticated`."""
    viewer = await authenticate(key, clock=clock)
    async with transaction():
        return (await _derive(viewer.practice_id, viewer.key_id, LINK, LINK_LASTS, clock())).token


async def sign_in_by_link(link: str, clock: Clock = machine_time) -> SignedIn:
    """Begin a session with a link, which is used up by it. Raises `Unauthenticated`."""
    practice_id, now = practice_of(link, LINK), clock()
    if practice_id is not None:
        async with transaction():
            used = await write(
                "UPDATE access_key SET revoked_at = $3 WHERE practice_id = $1 AND digest = $2"
                " AND revoked_at IS NULL AND expires_at > $3 RETURNING parent_id",
                *(practice_id, digest(link), now),
            )
            if used:
                key_id = used[0]["parent_id"]
                return await _derive(practice_id, key_id, SESSION, SESSION_LASTS, now)
    raise Unauthenticated("The link is not valid, or was used before.")


async def sign_out(viewer: Viewer) -> None:
    """End the viewer's session; its open streams are closed as those of any revoked key."""
    session = AccessKey.filter(practice_id=viewer.practice_id, id=viewer.key_id)
    await session.filter(parent_id__not_isnull=True).update(revoked_at=datetime.now(UTC))


async def forget_ended(now: datetime) -> None:
    """Remove the sessions and links that ended long ago; keys are kept."""
    ended = AccessKey.filter(parent_id__not_isnull=True, expires_at__lt=now - KEPT)
    await ended.delete()


async def _derive(
    practice_id: int, key_id: int, kind: str, lasts: timedelta, now: datetime
) -> SignedIn:
    # Locked, so that the key is not revoked meanwhile, and its sessions without this one.
    keys = AccessKey.filter(practice_id=practice_id, id=key_id, revoked_at=None)
    parent = await keys.select_for_update().first()
    if parent is None:
        raise Unauthenticated("The key is not valid.")
    token = f"{kind}_{practice_id}_{secrets.token_urlsafe(32)}"
    expires_at = min(now + lasts, parent.expires_at or datetime.max.replace(tzinfo=UTC))
    await AccessKey.create(
        practice_id=practice_id,
        digest=digest(token),
        role=parent.role,
        staff_id=parent.staff_id,
        queue_ids=parent.queue_ids,
        may_create_tasks=parent.may_create_tasks,
        created_at=now,
        expires_at=expires_at,
        parent_id=parent.id,
    )
    return SignedIn(token, expires_at)

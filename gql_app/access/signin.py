"""Sessions of the dashboard: begun by a key, a link or a passkey; listed, and ended.

A session is a key of its own that was made from another, or from an invited person: it may do the
same, and it ends with it. It ends after half a day, and when its person has done nothing for a
while (lookup.py). A link begins one session.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gql_app.access.tokens import INVITE, LINK, SESSION, digest, new_token, practice_of
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated, Viewer
from models.access import MAX_DEVICE, AccessKey, KeyKind
from models.audit import AuditAction
from models.database import Id, fetch, fetch_first, write
from models.people import Staff

SESSION_LASTS = timedelta(hours=12)
LINK_LASTS = timedelta(hours=1)
INVITE_LASTS = timedelta(days=7)
KEPT = timedelta(days=1)
JUST = timedelta(minutes=15)

_TOKENS = {KeyKind.SESSION: SESSION, KeyKind.LINK: LINK, KeyKind.INVITE: INVITE}
_LAST = {
    KeyKind.SESSION: SESSION_LASTS,
    KeyKind.LINK: LINK_LASTS,
    KeyKind.INVITE: INVITE_LASTS,
}
_NO_LINK = "The link is not valid, or was used before."


class SignedIn(NamedTuple):
    """A session's token, which is shown once, and when it ends."""

    token: str
    expires_at: datetime


class SessionRow(NamedTuple):
    """A session as its person may see it."""

    id: int
    device: str | None
    created_at: datetime
    active_at: datetime
    expires_at: datetime


_SESSIONS = """
SELECT k.id, k.device, k.created_at, COALESCE(k.last_used_at, k.created_at), k.expires_at
FROM access_key k
WHERE k.practice_id = $1 AND k.staff_id = $2 AND k.kind = 'SESSION' AND k.revoked_at IS NULL
AND k.expires_at > $3 AND COALESCE(k.last_used_at, k.created_at) > $4
ORDER BY k.id DESC LIMIT 100
"""


async def begin_session(
    change: ChangeOfPractice, key_id: int, device: str | None = None
) -> SignedIn:
    """Begin a session with a key, or for a person. Raises `Unauthenticated`."""
    session, signed_in = await derive(change, key_id, KeyKind.SESSION, device)
    who = {"staff_id": session.staff_id, "key_id": session.id}
    change.note(AuditAction.SIGN_IN, f"by key {key_id}", **who)
    return signed_in


async def create_link(change: ChangeOfPractice, key_id: int) -> str:
    """What begins one session, within an hour, in place of the key. Raises `Unauthenticated`."""
    _, link = await derive(change, key_id, KeyKind.LINK)
    change.note(AuditAction.KEY, f"a link for key {key_id}")
    return link.token


async def begin_session_by_link(
    change: ChangeOfPractice, link: str, device: str | None = None
) -> SignedIn:
    """Begin a session with a link, which is used up by it. Raises `Unauthenticated`."""
    parents = await _parents(change.practice_id, link, change.now)
    if not parents:
        raise Unauthenticated(_NO_LINK, "link")
    # The key's row is locked first, as where the key is revoked with all that it has begun.
    signed_in = await begin_session(change, parents[0].id, device)
    await use_up(change, link, _NO_LINK)
    return signed_in


async def use_up(change: ChangeOfPractice, token: str, otherwise: str) -> None:
    """End a link or an invitation. Raises `Unauthenticated`, with the words `otherwise`, if another
    has done so first."""
    used = await write(
        "UPDATE access_key SET revoked_at = $3 WHERE practice_id = $1 AND digest = $2"
        " AND revoked_at IS NULL RETURNING id",
        *(change.practice_id, digest(token), change.now),
    )
    if not used:
        raise Unauthenticated(otherwise, "link")


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
    AND k.kind = 'LINK' AND k.revoked_at IS NULL AND k.expires_at > $3"""
    return await fetch(Id, sql, practice_id, digest(link), now)


async def sessions_of(viewer: Viewer, now: datetime, idle: timedelta) -> list[SessionRow]:
    """The viewer's own sessions that go on, the newest first."""
    who = (viewer.practice_id, viewer.staff_id)
    return await fetch(SessionRow, _SESSIONS, *who, now, now - idle)


async def has_just_signed_in(viewer: Viewer, now: datetime) -> bool:
    """Whether the viewer's session began so lately that it may change how they sign in: one that
    was stolen, or left open, may not."""
    sql = (
        "SELECT k.id FROM access_key k WHERE k.practice_id = $1 AND k.id = $2 AND k.created_at > $3"
    )
    return bool(await fetch(Id, sql, viewer.practice_id, viewer.key_id, now - JUST))


class _SignIn(NamedTuple):
    at: datetime | None


async def last_sign_in(viewer: Viewer) -> datetime | None:
    """When the viewer signed in last, before the session that asks; None if never."""
    sql = """SELECT CASE WHEN k.kind IN ('SESSION', 'VISIT') THEN k.previous_sign_in_at
        ELSE s.signed_in_at END
    FROM access_key k JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
    WHERE k.practice_id = $1 AND k.id = $2"""
    found = await fetch_first(_SignIn, sql, viewer.practice_id, viewer.key_id)
    return None if found is None else found.at


async def end_session(change: ChangeOfPractice, viewer: Viewer) -> None:
    """End the viewer's session; its open streams are closed as those of any revoked key."""
    sessions = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.SESSION)
    if await sessions.filter(id=viewer.key_id, revoked_at=None).update(revoked_at=change.now):
        change.note(AuditAction.SIGN_OUT)


async def end_own_session(change: ChangeOfPractice, viewer: Viewer, session_id: int) -> bool:
    """End one of the viewer's own sessions. Returns whether it went on until now."""
    sessions = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.SESSION)
    own = sessions.filter(id=session_id, staff_id=viewer.staff_id, revoked_at=None)
    if not await own.update(revoked_at=change.now):
        return False
    change.note(AuditAction.SIGN_OUT, f"session {session_id}")
    return True


async def with_ended_sessions(now: datetime) -> list[int]:
    """The practices that have sessions or links which ended long ago."""
    sql = """SELECT DISTINCT practice_id FROM access_key
    WHERE parent_id IS NOT NULL AND expires_at < $1"""
    return [found.id for found in await fetch(Id, sql, now - KEPT)]


async def forget_ended_sessions(change: ChangeOfPractice, now: datetime) -> None:
    """Remove the practice's sessions, links and invitations that ended long ago; keys are kept."""
    ended = AccessKey.filter(practice_id=change.practice_id, parent_id__not_isnull=True)
    await ended.filter(expires_at__lt=now - KEPT).delete()


async def derive(
    change: ChangeOfPractice, key_id: int, kind: KeyKind, device: str | None = None
) -> tuple[AccessKey, SignedIn]:
    """Make a session, a link or an invitation from a key or a person, with the same rights. Raises
    `Unauthenticated`."""
    # Locked, so that the key is not revoked meanwhile, and its sessions without this one.
    keys = AccessKey.filter(practice_id=change.practice_id, id=key_id, revoked_at=None)
    parent = await keys.select_for_update().first()
    if parent is None:
        raise Unauthenticated("The key is not valid.", "revoked")
    token = new_token(_TOKENS[kind], change.practice_id)
    ends = parent.expires_at or datetime.max.replace(tzinfo=UTC)
    expires_at = min(change.now + _LAST[kind], ends)
    before = await note_sign_in(change, parent.staff_id) if kind is KeyKind.SESSION else None
    derived = await AccessKey.create(
        practice_id=change.practice_id,
        digest=digest(token),
        kind=kind,
        role=parent.role,
        staff_id=parent.staff_id,
        queue_ids=parent.queue_ids,
        may_create_tasks=parent.may_create_tasks,
        created_at=change.now,
        expires_at=expires_at,
        parent_id=parent.id,
        device=None if device is None else device[:MAX_DEVICE],
        previous_sign_in_at=before,
    )
    return derived, SignedIn(token, expires_at)


async def note_sign_in(change: ChangeOfPractice, staff_id: int) -> datetime | None:
    """Note that a person signs in now. Returns when they did so before."""
    staff = await Staff.get(practice_id=change.practice_id, id=staff_id)
    of_staff = Staff.filter(practice_id=change.practice_id, id=staff_id)
    await of_staff.update(signed_in_at=change.now)
    return staff.signed_in_at

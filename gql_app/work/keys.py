"""Keys: made, rotated and revoked. A key is shown once, when it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access import keys
from gql_app.work.admission import (
    check_name,
    check_queues,
    is_guest,
    lock_admins,
    refuse_last_admin,
    require_access_admin,
)
from gql_app.work.changes import Change
from gql_app.work.reads.keys import KeyRow, KeyState, key_of
from gql_app.work.results import missing
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.refusals import Refusal, RefusalCode
from models.roles import Role

OVERLAP = timedelta(days=7)
"""How long both keys are valid after a rotation, unless it is said otherwise."""

NOT_FOUND = missing("key", "id")
ENDED = Refusal(RefusalCode.KEY_ENDED, "The key has ended: make a new one.", "id")
GUESTS_NAME = Refusal(RefusalCode.NAME_TAKEN, "A guest of the group has this name.", "name")
EXPIRY_IN_PAST = Refusal(
    RefusalCode.EXPIRY_IN_PAST, "The key would have ended already.", "expiresAt"
)


class NewKey(NamedTuple):
    """A key to be made, for `name` to act through. It is for these queues, all if None."""

    name: str
    role: Role
    queue_ids: Sequence[int] | None = None
    may_create_tasks: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyResult:
    """The key as it is now, or the refusals. `secret` is the key itself, if it is new."""

    key: KeyRow | None = None
    secret: str | None = None
    refusals: tuple[Refusal, ...] = ()


async def create_key(change: Change, new: NewKey) -> KeyResult:
    """Make a key. Raises `Forbidden`."""
    require_access_admin(change)
    is_past = new.expires_at is not None and new.expires_at <= change.now
    found = (
        check_name(new.name),
        await check_queues(change, new.queue_ids),
        EXPIRY_IN_PAST if is_past else None,
        GUESTS_NAME if await is_guest(change, new.name) else None,
    )
    if refusals := tuple(refusal for refusal in found if refusal is not None):
        return KeyResult(refusals=refusals)
    created = await keys.create_key(
        change,
        new.role,
        new.name,
        queue_ids=None if new.queue_ids is None else set(new.queue_ids),
        may_create_tasks=new.may_create_tasks,
        expires_at=new.expires_at,
    )
    return KeyResult(await key_of(change.practice_id, created.id), created.key)


async def rotate_key(change: Change, key_id: int, overlap: timedelta = OVERLAP) -> KeyResult:
    """Make another key with the same rights, without an end of its own. The old one ends after
    `overlap`, with the sessions that it began, or before that if it would have. Raises
    `Forbidden`."""
    require_access_admin(change)
    old = await _lock(change, key_id)
    if old is None:
        return KeyResult(refusals=(NOT_FOUND,))
    if old.state(change.now) is not KeyState.VALID:
        return KeyResult(old, refusals=(ENDED,))
    created = await keys.create_like(change, key_id)
    end = change.now + overlap
    of_practice = AccessKey.filter(practice_id=change.practice_id)
    if old.expires_at is None or old.expires_at > end:
        await of_practice.filter(id=key_id).update(expires_at=end)
    await of_practice.filter(parent_id=key_id, expires_at__gt=end).update(expires_at=end)
    change.note(AuditAction.KEY, f"key {created.id} made in place of key {key_id}")
    return KeyResult(await key_of(change.practice_id, created.id), created.key)


async def revoke_key(change: Change, key_id: int) -> KeyResult:
    """Make a key invalid from now on, with the sessions that it began. One that is revoked already
    stays so. Raises `Forbidden`."""
    require_access_admin(change)
    admins = await lock_admins(change)
    key = await _lock(change, key_id)
    if key is None:
        return KeyResult(refusals=(NOT_FOUND,))
    if key.revoked_at is not None:
        return KeyResult(key)
    if refusals := refuse_last_admin(admins, {key_id}):
        return KeyResult(key, refusals=refusals)
    await keys.revoke_with_sessions(change, key_id)
    change.note(AuditAction.KEY, f"key {key_id} revoked")
    return KeyResult(await key_of(change.practice_id, key_id))


async def _lock(change: Change, key_id: int) -> KeyRow | None:
    """A key, locked; None if the practice has none of this number."""
    of_practice = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.KEY)
    await of_practice.filter(id=key_id).select_for_update()
    return await key_of(change.practice_id, key_id)

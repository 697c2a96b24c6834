"""Keys: made, listed, rotated and revoked; and the names by which the command line calls things."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access.tokens import digest, new_key
from gql_app.access.viewer import ChangeOfPractice, Viewer
from models.access import AccessKey, KeyKind, read_queue_ids
from models.audit import AuditAction
from models.database import fetch
from models.people import Staff
from models.practice import Practice, Queue
from models.roles import Action, Role, may
from models.text import trimmed

ENDS_SOON = timedelta(days=14)
"""How long before its end a key is named to those who run the server."""


class NotThere(Exception):
    """There is no practice, queue or key of that name."""


class CreatedKey(NamedTuple):
    """A key with its number. This is the only time that it can be seen."""

    id: int
    key: str


async def create_key(
    change: ChangeOfPractice,
    role: Role,
    name: str,
    *,
    queue_ids: Iterable[int] | None = None,
    may_create_tasks: bool = False,
    expires_at: datetime | None = None,
) -> CreatedKey:
    """Make a key for these queues, all if `queue_ids` is None. `expires_at` is aware.
    `may_create_tasks` is what the key says; whether it counts depends on the role."""
    key = new_key(change.practice_id)
    created = await AccessKey.create(
        practice_id=change.practice_id,
        digest=digest(key),
        role=role,
        staff_id=await staff_called(change, name),
        queue_ids=None if queue_ids is None else sorted(queue_ids),
        may_create_tasks=may(role, Action.CREATE_TASKS, key_says_so=may_create_tasks),
        created_at=change.now,
        expires_at=expires_at,
    )
    change.note(AuditAction.KEY, f"key {created.id} made, {role}")
    return CreatedKey(created.id, key)


async def staff_called(change: ChangeOfPractice, name: str) -> int:
    """The id of the member of staff of that name, made if there is none."""
    staff, _ = await Staff.get_or_create(
        practice_id=change.practice_id, name=trimmed(name), defaults={"created_at": change.now}
    )
    return int(staff.id)


def command_line_viewer(
    practice: Practice, staff_id: int, name: str, role: Role = Role.SUPERVISOR
) -> Viewer:
    """Somebody of `role` without a key, for the command line, which has the database itself. What
    it does is recorded as done by the member of staff, called `name`; 0 for one who only reads."""
    return Viewer(
        key_id=0,
        practice_id=practice.id,
        time_zone=practice.time_zone,
        region=practice.region,
        role=role,
        staff_id=staff_id,
        name=name,
        queue_ids=None,
        may_create_tasks=True,
        expires_at=None,
    )


async def practice_called(slug: str) -> Practice:
    """The practice with this slug. Raises `NotThere`."""
    practice = await Practice.get_or_none(slug=slug)
    if practice is None:
        raise NotThere(f"There is no practice {slug!r}.")
    return practice


async def queues_called(practice: Practice, names: Iterable[str]) -> list[int]:
    """The ids of the practice's queues with these names. Raises `NotThere`."""
    known = {queue.name.lower(): queue.id for queue in await Queue.filter(practice_id=practice.id)}
    names = [trimmed(name) for name in names]
    missing = [name for name in names if name.lower() not in known]
    if missing:
        raise NotThere(f"There is no queue {missing[0]!r} at {practice.slug}.")
    return [known[name.lower()] for name in names]


class Listed(NamedTuple):
    """What may be shown of a key. `queues` are the names of those it is limited to, None if it is
    not; `state` is valid, expired or revoked."""

    id: int
    role: str
    name: str
    state: str
    queues: list[str] | None
    expires_at: datetime | None
    last_used_at: datetime | None


class _KeyRow(NamedTuple):
    id: int
    role: str
    name: str
    queue_ids: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


_KEYS = """
SELECT k.id, k.role, s.name, k.queue_ids, k.expires_at, k.revoked_at, k.last_used_at
FROM access_key k JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
WHERE k.practice_id = $1 AND k.kind = 'KEY' ORDER BY k.id
"""


async def list_keys(practice: Practice, now: datetime) -> list[Listed]:
    """The practice's keys by their numbers, without those of sessions."""
    names = {queue.id: queue.name for queue in await Queue.filter(practice_id=practice.id)}
    listed = []
    for key in await fetch(_KeyRow, _KEYS, practice.id):
        expired = key.expires_at is not None and key.expires_at <= now
        state = "revoked" if key.revoked_at else "expired" if expired else "valid"
        try:
            ids = read_queue_ids(key.queue_ids)
            queues = None if ids is None else [names.get(i, f"queue {i}") for i in sorted(ids)]
        except ValueError:
            queues = ["what cannot be read"]
        shown = (key.id, key.role, key.name, state, queues)
        listed.append(Listed(*shown, key.expires_at, key.last_used_at))
    return listed


async def rotate_key(
    change: ChangeOfPractice, practice: Practice, key_id: int, overlap: timedelta
) -> CreatedKey:
    """Make another key with the same rights, without an end of its own. The old one ends after
    `overlap`, with the sessions that it began, or before that if it would have. Raises
    `NotThere`."""
    old = await _locked(change, practice, key_id)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= change.now):
        raise NotThere(f"Key {key_id} at {practice.slug} has ended; make a new one.")
    key = new_key(change.practice_id)
    created = await AccessKey.create(
        practice_id=change.practice_id,
        digest=digest(key),
        role=old.role,
        staff_id=old.staff_id,
        queue_ids=old.queue_ids,
        may_create_tasks=old.may_create_tasks,
        created_at=change.now,
    )
    end = change.now + overlap
    keys = AccessKey.filter(practice_id=practice.id)
    if old.expires_at is None or old.expires_at > end:
        await keys.filter(id=key_id).update(expires_at=end)
    await keys.filter(parent_id=key_id, expires_at__gt=end).update(expires_at=end)
    change.note(AuditAction.KEY, f"key {created.id} made in place of key {key_id}")
    return CreatedKey(created.id, key)


async def revoke_key(change: ChangeOfPractice, practice: Practice, key_id: int) -> None:
    """Make a key invalid from now on, with the sessions that it began. Raises `NotThere`."""
    await _locked(change, practice, key_id)
    await revoke_with_sessions(change, key_id)
    change.note(AuditAction.KEY, f"key {key_id} revoked")


async def revoke_with_sessions(change: ChangeOfPractice, key_id: int) -> None:
    """Make a key or a person's rights invalid from now on, with what was made from them. The key's
    row is locked: a session that is begun right now has waited for it."""
    keys = AccessKey.filter(practice_id=change.practice_id, revoked_at=None)
    for which in (keys.filter(id=key_id), keys.filter(parent_id=key_id)):
        await which.update(revoked_at=change.now)


async def _locked(change: ChangeOfPractice, practice: Practice, key_id: int) -> AccessKey:
    keys = AccessKey.filter(practice_id=change.practice_id, id=key_id, kind=KeyKind.KEY)
    key = await keys.select_for_update().first()
    if key is None:
        raise NotThere(f"There is no key {key_id} at {practice.slug}.")
    return key

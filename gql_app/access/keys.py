"""Keys as rows: made, and ended; and the names by which the command line calls things."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access.tokens import digest, new_key
from gql_app.access.viewer import ChangeOfPractice, Viewer
from models.access import AccessKey
from models.audit import AuditAction
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


async def create_like(change: ChangeOfPractice, key_id: int) -> CreatedKey:
    """Make another key with the rights of a locked one, without an end of its own."""
    old = await AccessKey.get(practice_id=change.practice_id, id=key_id)
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
    return CreatedKey(created.id, key)


async def revoke_with_sessions(change: ChangeOfPractice, key_id: int) -> None:
    """Make a key invalid from now on, with the sessions that it began. Its row is locked: a session
    that is begun right now has waited for it."""
    keys = AccessKey.filter(practice_id=change.practice_id, revoked_at=None)
    for which in (keys.filter(id=key_id), keys.filter(parent_id=key_id)):
        await which.update(revoked_at=change.now)

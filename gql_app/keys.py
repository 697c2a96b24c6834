"""Keys from the command line: made, listed and revoked, and the names that it calls things by."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from gql_app.access import Viewer, digest
from models.access import AccessKey, Role
from models.database import transaction
from models.people import Staff
from models.practice import Practice, Queue


class NotThere(Exception):
    """There is no practice, queue or key of that name."""


async def create_key(
    practice: Practice,
    role: Role,
    name: str,
    *,
    queue_ids: Iterable[int] | None = None,
    may_create_tasks: bool = False,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it: the only time that it can be seen. `may_create_tasks` is for
    partners; supervisors may in any case, staff may not."""
    staff = await _staff_called(practice, name)
    key = f"cb_{practice.id}_{secrets.token_urlsafe(32)}"
    await AccessKey.create(
        practice_id=practice.id,
        digest=digest(key),
        role=role,
        staff_id=staff.id,
        queue_ids=None if queue_ids is None else sorted(queue_ids),
        may_create_tasks=role is Role.SUPERVISOR or (role is Role.PARTNER and may_create_tasks),
        created_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    return key


async def _staff_called(practice: Practice, name: str) -> Staff:
    """The member of staff of that name, made if there is none."""
    made = {"created_at": datetime.now(UTC)}
    staff, _ = await Staff.get_or_create(practice_id=practice.id, name=name, defaults=made)
    return staff


async def viewer_on_the_spot(practice: Practice, name: str, *, only_reads: bool = False) -> Viewer:
    """A supervisor without a key, for the command line, which has the database itself. What it does
    is recorded as done by `name`, who is nobody if it `only_reads`."""
    staff_id = 0 if only_reads else (await _staff_called(practice, name)).id
    return Viewer(
        key_id=0,
        practice_id=practice.id,
        time_zone=practice.time_zone,
        role=Role.SUPERVISOR,
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
    missing = [name for name in names if name.lower() not in known]
    if missing:
        raise NotThere(f"There is no queue {missing[0]!r} at {practice.slug}.")
    return [known[name.lower()] for name in names]


async def list_keys(practice: Practice, now: datetime) -> list[str]:
    """A line for each key of the practice: number, role, name and state, never the key."""
    lines = []
    keys = AccessKey.filter(practice_id=practice.id, parent_id=None).order_by("id")
    for key in await keys.select_related("staff"):
        expired = key.expires_at is not None and key.expires_at <= now
        state = "revoked" if key.revoked_at else "expired" if expired else "valid"
        lines.append(f"{key.id}\t{key.role}\t{key.staff.name}\t{state}")
    return lines


async def revoke_key(practice: Practice, key_id: int) -> None:
    """Make a key invalid from now on, with the sessions that it began. Raises `NotThere`."""
    key = AccessKey.filter(practice_id=practice.id, id=key_id, parent_id=None)
    if not await key.exists():
        raise NotThere(f"There is no key {key_id} at {practice.slug}.")
    async with transaction():
        # One after the other: a session that is begun right now waits for the key's row.
        for which in (key, AccessKey.filter(practice_id=practice.id, parent_id=key_id)):
            await which.filter(revoked_at=None).update(revoked_at=datetime.now(UTC))

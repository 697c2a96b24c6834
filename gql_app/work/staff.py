"""People get another name, role, queues or address, and are retired."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.work.admission import (
    check_name,
    check_queues,
    lock_admins,
    refuse_last_admin,
    require_access_admin,
)
from gql_app.work.changes import Change
from gql_app.work.giving_back import Make, give_back
from gql_app.work.persons import (
    NO_PROGRAM,
    NOT_FOUND,
    RETIRED,
    StaffResult,
    check_email,
    lock_person,
    locks_out,
    member,
    refuse_email,
    refuse_name,
    sees_to_access,
    set_columns,
    set_email,
    set_rights,
)
from gql_app.work.supervision import end_supervision
from models.access import AccessKey
from models.audit import AuditAction
from models.passkey import Passkey
from models.roles import Role
from models.text import trimmed


class StaffUpdate(NamedTuple):
    """What is to be different about a person; what is None stays. `all_queues` takes the limit to
    some queues away, an empty `email` the address."""

    name: str | None = None
    role: Role | None = None
    queue_ids: Sequence[int] | None = None
    all_queues: bool = False
    email: str | None = None


async def update_staff(make: Make, staff_id: int, to: StaffUpdate) -> StaffResult:
    """Change a person. If they may do something else from now on their sessions end, and tasks of
    theirs in queues that they no longer see are given back. Raises `Forbidden`."""
    result: StaffResult = await make(set_staff, staff_id, to)
    if result.member is not None and to.queue_ids is not None and not result.refusals:
        await give_back(make, staff_id, frozenset(result.member.queues or ()))
    return result


async def retire_staff(make: Make, staff_id: int) -> StaffResult:
    """Retire a person: what they may do ends at once. Then their claims and their tasks are given
    back. Somebody who is retired already has the rest given back. Raises `Forbidden`."""
    result: StaffResult = await make(end_rights, staff_id)
    if not result.refusals:
        await give_back(make, staff_id)
    return result


async def set_staff(change: Change, staff_id: int, to: StaffUpdate) -> StaffResult:
    """The part of `update_staff` that is one change."""
    require_access_admin(change)
    admins = await lock_admins(change)
    person = await lock_person(change, staff_id)
    if person is None or person.revoked_at is not None:
        return StaffResult(refusals=(NOT_FOUND if person is None else RETIRED,))
    name = None if to.name is None else trimmed(to.name)
    role = to.role or person.role
    limits = None if to.all_queues else _limits(person, to.queue_ids)
    found = (
        None if name is None else check_name(name),
        None if name is None else await refuse_name(change, staff_id, name),
        NO_PROGRAM if role is Role.PARTNER else None,
        await check_queues(change, to.queue_ids),
        check_email(to.email),
    )
    refusals = tuple(refusal for refusal in found if refusal is not None)
    if not refusals:
        refusals = await refuse_email(change, staff_id, to.email)
        if not sees_to_access(role, limits) or await locks_out(change, person, to.email):
            refusals += refuse_last_admin(admins, {person.id})
    if refusals:
        return StaffResult(await member(change, staff_id), refusals=refusals)
    await set_rights(change, person, role, limits)
    if name is not None:
        await set_columns(change, staff_id, name=name)
    if to.email is not None:
        await set_email(change, person, to.email)
    parts = [part for part, value in to._asdict().items() if value not in (None, False)]
    change.note(AuditAction.KEY, f"staff {staff_id} set: {', '.join(parts)}; {role}")
    return StaffResult(await member(change, staff_id))


async def end_rights(change: Change, staff_id: int) -> StaffResult:
    """The part of `retire_staff` that is one change: it ends what a person may do, with their keys,
    sessions, invitations and passkeys, and their supervision of a group. Their name stays on what
    they did."""
    require_access_admin(change)
    admins = await lock_admins(change)
    person = await lock_person(change, staff_id)
    if person is None:
        return StaffResult(refusals=(NOT_FOUND,))
    if person.revoked_at is None:
        theirs = {admin.id for admin in admins if admin.staff_id == staff_id}
        if refusals := refuse_last_admin(admins, theirs):
            return StaffResult(await member(change, staff_id), refusals=refusals)
        keys = AccessKey.filter(practice_id=change.practice_id, staff_id=staff_id, revoked_at=None)
        # Sessions that are begun right now have waited for these rows.
        await keys.filter(parent_id=None).order_by("id").select_for_update()
        await keys.update(revoked_at=change.now)
        await Passkey.filter(practice_id=change.practice_id, staff_id=staff_id).delete()
        await set_columns(change, staff_id, subject=None, email=None)
        await end_supervision(change, staff_id)
        change.note(AuditAction.KEY, f"staff {staff_id} retired")
    return StaffResult(await member(change, staff_id))


def _limits(person: AccessKey, queue_ids: Sequence[int] | None) -> list[int] | None:
    """The queues that a person is to be limited to: those given, or those of before."""
    return person.queue_ids if queue_ids is None else sorted(set(queue_ids))

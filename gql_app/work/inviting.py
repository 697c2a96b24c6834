"""People are invited, by a link that works once, and retired ones brought back."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access.signin import derive
from gql_app.work.admission import (
    check_name,
    check_queues,
    is_guest,
    lock_admins,
    refuse_last_admin,
    require_access_admin,
)
from gql_app.work.changes import Change
from gql_app.work.persons import (
    NO_PROGRAM,
    NOT_FOUND,
    RETIRED,
    StaffResult,
    check_email,
    lock_person,
    locks_out,
    member,
    name_taken,
    new_person,
    refuse_email,
    sees_to_access,
    set_email,
    set_rights,
)
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.people import Staff
from models.refusals import Refusal, RefusalCode
from models.roles import Role
from models.text import trimmed

NOT_RETIRED = Refusal(RefusalCode.STAFF_NOT_RETIRED, "They are not retired.", "id")


KEYS_NAME = Refusal(
    RefusalCode.NAME_TAKEN, "A key has this name. Use another name, or revoke the key.", "name"
)


class NewStaff(NamedTuple):
    """Somebody to be invited. They see these queues, all of them if None. By `email` the practice's
    identity provider may know them."""

    name: str
    role: Role
    queue_ids: Sequence[int] | None = None
    email: str | None = None


async def invite_staff(change: Change, new: NewStaff, *, again: bool = False) -> StaffResult:
    """Invite a person. With `again`, somebody of that name who is there already gets the role and
    the queues that are given, and another invitation. Raises `Forbidden`."""
    require_access_admin(change)
    admins = await lock_admins(change)
    found = (
        check_name(new.name),
        NO_PROGRAM if new.role is Role.PARTNER else None,
        await check_queues(change, new.queue_ids),
        check_email(new.email),
    )
    if refusals := tuple(refusal for refusal in found if refusal is not None):
        return StaffResult(refusals=refusals)
    name = trimmed(new.name)
    known = await Staff.get_or_none(practice_id=change.practice_id, name=name)
    person = None if known is None else await lock_person(change, known.id)
    limits = None if new.queue_ids is None else sorted(set(new.queue_ids))
    refusals = await refuse_email(change, None if known is None else known.id, new.email)
    if person is not None and not again:
        refusals += (name_taken(name, is_retired=person.revoked_at is not None),)
    elif person is None and known is not None and not again and await _has_key(change, known.id):
        refusals += (KEYS_NAME,)
    elif person is None and await is_guest(change, name):
        refusals += (name_taken(name),)
    elif person is not None and (
        not sees_to_access(new.role, limits) or await locks_out(change, person, new.email)
    ):
        refusals += refuse_last_admin(admins, {person.id})
    if refusals:
        return StaffResult(refusals=refusals)
    if person is None:
        person = await new_person(change, name, new.role, limits)
    else:
        await set_rights(change, person, new.role, limits)
    if new.email is not None:
        await set_email(change, person, new.email)
    return await _invited(change, person, f"invited, {new.role}")


async def renew_invite(change: Change, staff_id: int) -> StaffResult:
    """Invite a person once more: they have lost the link, or their device. Links before this one
    end. Raises `Forbidden`."""
    require_access_admin(change)
    person = await lock_person(change, staff_id)
    if person is None or person.revoked_at is not None:
        return StaffResult(refusals=(NOT_FOUND if person is None else RETIRED,))
    return await _invited(change, person, "invited again")


async def restore_staff(change: Change, staff_id: int) -> StaffResult:
    """Bring a retired person back, with the role and the queues that they had, and invite them.
    Raises `Forbidden`."""
    require_access_admin(change)
    person = await lock_person(change, staff_id)
    if person is None or person.revoked_at is None:
        return StaffResult(refusals=(NOT_FOUND if person is None else NOT_RETIRED,))
    await AccessKey.filter(practice_id=change.practice_id, id=person.id).update(revoked_at=None)
    return await _invited(change, person, f"brought back, {person.role}")


async def _has_key(change: Change, staff_id: int) -> bool:
    """Whether a key acts by this name. Who gets its row gets what the key has done."""
    keys = AccessKey.filter(practice_id=change.practice_id, staff_id=staff_id, kind=KeyKind.KEY)
    return await keys.filter(revoked_at=None).exists()


async def _invited(change: Change, person: AccessKey, how: str) -> StaffResult:
    """Make an invitation for a locked person, in place of those before it."""
    before = AccessKey.filter(practice_id=change.practice_id, parent_id=person.id)
    invitations = before.filter(kind=KeyKind.INVITE, revoked_at=None)
    await invitations.update(revoked_at=change.now)
    _, invitation = await derive(change, person.id, KeyKind.INVITE)
    change.note(AuditAction.KEY, f"staff {person.staff_id} {how}")
    return StaffResult(await member(change, person.staff_id), invitation)

"""Groups of practices: made, filled, and given supervisors. An operator does it: a group is of no
practice, so nobody who has signed in may change one."""

from collections.abc import Sequence
from typing import NamedTuple

from tortoise.exceptions import IntegrityError

from gql_app.work.changes import Change, Changes
from gql_app.work.persons import NOT_FOUND, RETIRED, lock_person
from gql_app.work.practices import NO_PRACTICE
from gql_app.work.supervision import end_all_supervision, end_supervision, may_supervise
from models.audit import AuditAction
from models.checks import BadValue
from models.database import fetch_first
from models.group import GroupPractice, GroupSupervisor, PracticeGroup
from models.refusals import Refusal, RefusalCode

MUST_SUPERVISE = Refusal(
    RefusalCode.ROLE_NOT_ALLOWED,
    "Who supervises a group is a supervisor or an admin at home, for all queues there.",
)
HOME_NOT_IN_GROUP = Refusal(
    RefusalCode.NOT_IN_GROUP, "Their own practice is not in the group: add it first."
)


class _Of(NamedTuple):
    id: int
    slug: str


async def create_group(changes: Changes, slug: str, name: str) -> None:
    """Make a group, of values that were checked (models/checks.py). Raises `BadValue`."""
    try:
        await changes.make_for(NO_PRACTICE, _create, slug, name)
    except IntegrityError:
        message = f"there is a group {slug!r} already"
        raise BadValue(message, RefusalCode.SLUG_TAKEN) from None


async def _create(change: Change, slug: str, name: str) -> None:
    await PracticeGroup.create(slug=slug, name=name, created_at=change.now)


async def cannot_join(practice_id: int, _: PracticeGroup) -> Sequence[Refusal]:
    """Why a practice cannot be put into a group: it is in one at most."""
    there = await _group_of(practice_id)
    if there is None:
        return ()
    message = f"The practice is in the group {there.slug!r} already."
    return (Refusal(RefusalCode.ALREADY_IN_GROUP, message),)


async def cannot_leave(practice_id: int, group: PracticeGroup) -> Sequence[Refusal]:
    """Why a practice cannot be taken out of a group."""
    there = await _group_of(practice_id)
    is_in_it = there is not None and there.id == group.id
    return () if is_in_it else (Refusal(RefusalCode.NOT_IN_GROUP, "It is not in this group."),)


async def join_group(change: Change, group: PracticeGroup) -> Sequence[Refusal]:
    """Put the practice into a group."""
    if refusals := await cannot_join(change.practice_id, group):
        return refusals
    of_practice = {"practice_id": change.practice_id, "group_id": group.id}
    await GroupPractice.create(**of_practice, created_at=change.now)
    change.note(AuditAction.SETTING, f"practice put into the group {group.slug}")
    return ()


async def leave_group(change: Change, group: PracticeGroup) -> Sequence[Refusal]:
    """Take the practice out of a group: from now on nobody of the group comes in, and none of its
    own people goes to the others."""
    if refusals := await cannot_leave(change.practice_id, group):
        return refusals
    await GroupPractice.filter(practice_id=change.practice_id, group_id=group.id).delete()
    await end_all_supervision(change)
    change.note(AuditAction.SETTING, f"practice taken out of the group {group.slug}")
    return ()


async def appoint(change: Change, group: PracticeGroup, staff_id: int) -> Sequence[Refusal]:
    """Let a person of the practice supervise its group."""
    person = await lock_person(change, staff_id)
    if person is None or person.revoked_at is not None:
        return (NOT_FOUND if person is None else RETIRED,)
    if not may_supervise(person.role, person.queue_ids):
        return (MUST_SUPERVISE,)
    there = await _group_of(change.practice_id)
    if there is None or there.id != group.id:
        return (HOME_NOT_IN_GROUP,)
    of_practice = GroupSupervisor.filter(practice_id=change.practice_id, staff_id=staff_id)
    if await of_practice.exists():
        message = "They supervise the group already."
        return (Refusal(RefusalCode.ALREADY_IN_GROUP, message),)
    who = {"practice_id": change.practice_id, "group_id": group.id, "staff_id": staff_id}
    await GroupSupervisor.create(**who, created_at=change.now)
    change.note(AuditAction.KEY, f"staff {staff_id} supervises the group {group.slug}")
    return ()


async def dismiss(change: Change, group: PracticeGroup, staff_id: int) -> Sequence[Refusal]:
    """Let a person of the practice supervise a group no more."""
    theirs = GroupSupervisor.filter(practice_id=change.practice_id, group_id=group.id)
    if await theirs.filter(staff_id=staff_id).exists():
        await end_supervision(change, staff_id)
        return ()
    return (Refusal(RefusalCode.NOT_IN_GROUP, "They do not supervise the group."),)


async def _group_of(practice_id: int) -> _Of | None:
    sql = """SELECT g.id, g.slug FROM group_practice gp JOIN practice_group g ON g.id = gp.group_id
    WHERE gp.practice_id = $1"""
    return await fetch_first(_Of, sql, practice_id)

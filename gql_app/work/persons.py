"""A person as a row: what they may do, and what can be refused of them.

What a person may do stands in a row among the keys that has no secret. The sessions that they begin
are made from it, as others are from a key.
"""

import secrets
from dataclasses import dataclass

from gql_app.access.keys import staff_called
from gql_app.access.signin import SignedIn
from gql_app.access.tokens import digest
from gql_app.work.changes import Change
from gql_app.work.reads.staff import Member, member_of
from gql_app.work.results import missing
from gql_app.work.supervision import end_supervision, may_supervise
from models.access import AccessKey, KeyKind
from models.checks import BadValue, checked_email
from models.database import Id, fetch
from models.people import Staff
from models.refusals import Refusal, RefusalCode
from models.roles import Action, Role, may

NOT_FOUND = missing("member of staff", "id")
RETIRED = Refusal(RefusalCode.STAFF_RETIRED, "They are retired: bring them back first.", "id")
NO_PROGRAM = Refusal(
    RefusalCode.ROLE_NOT_ALLOWED, "PARTNER is the role of programs, which have keys.", "role"
)


@dataclass(frozen=True, slots=True)
class StaffResult:
    """The person as they are now, with the invitation that was made for them, or the refusals. The
    invitation's token is shown once."""

    member: Member | None = None
    invitation: SignedIn | None = None
    refusals: tuple[Refusal, ...] = ()


async def lock_person(change: Change, staff_id: int) -> AccessKey | None:
    """The row with what a person may do, locked; None if nobody was invited who has this number."""
    people = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.PERSON)
    return await people.filter(staff_id=staff_id).select_for_update().first()


async def member(change: Change, staff_id: int) -> Member | None:
    """A person as admins read them now."""
    return await member_of(change.practice_id, staff_id, change.now)


async def new_person(change: Change, name: str, role: Role, limits: list[int] | None) -> AccessKey:
    """Make the row of somebody who was not invited before."""
    return await AccessKey.create(
        practice_id=change.practice_id,
        kind=KeyKind.PERSON,
        digest=digest(secrets.token_hex()),
        staff_id=await staff_called(change, name),
        created_at=change.now,
        role=role,
        queue_ids=limits,
    )


async def set_rights(
    change: Change, person: AccessKey, role: Role, limits: list[int] | None
) -> None:
    """Say what a locked person may do. If that is something else than before, their sessions end;
    invitations go on, for what they may do is read when they are used. Who is no supervisor any
    more supervises no group either."""
    keys = AccessKey.filter(practice_id=change.practice_id)
    await keys.filter(id=person.id).update(revoked_at=None, role=role, queue_ids=limits)
    if (person.role, person.queue_ids) != (role, limits):
        await _end_sessions(change, person)
    if not may_supervise(role, limits):
        await end_supervision(change, person.staff_id)


async def _end_sessions(change: Change, person: AccessKey) -> None:
    begun = AccessKey.filter(practice_id=change.practice_id, parent_id=person.id)
    begun = begun.filter(kind__in=(KeyKind.SESSION, KeyKind.LINK), revoked_at=None)
    await begun.update(revoked_at=change.now)


async def set_email(change: Change, person: AccessKey, email: str) -> None:
    """Give a locked person another address, or none. The account that they had by the one of before
    signs in no more, and their sessions end."""
    columns: dict[str, str | None] = {"email": _address_or_none(email)}
    if await _unbinds(change, person, email):
        columns["subject"] = None
        await _end_sessions(change, person)
    await set_columns(change, person.staff_id, **columns)


async def locks_out(change: Change, person: AccessKey, email: str | None) -> bool:
    """Whether with another address a person could not sign in by themselves any more."""
    if email is None or not await _unbinds(change, person, email):
        return False
    return person.id in await without_passkey(change)


async def _unbinds(change: Change, person: AccessKey, email: str) -> bool:
    staff = await Staff.get(practice_id=change.practice_id, id=person.staff_id)
    is_bound = staff.subject is not None and staff.email is not None
    return is_bound and staff.email != _address_or_none(email)


def _address_or_none(email: str) -> str | None:
    return address_of(email) if email else None


async def without_passkey(change: Change, *, but: int = 0) -> set[int]:
    """The rows of the people who have no passkey, or none but this one."""
    sql = """SELECT k.id FROM access_key k WHERE k.practice_id = $1 AND k.kind = 'PERSON'
    AND NOT EXISTS (SELECT 1 FROM passkey y
        WHERE y.practice_id = k.practice_id AND y.staff_id = k.staff_id AND y.id <> $2)"""
    return {found.id for found in await fetch(Id, sql, change.practice_id, but)}


async def set_columns(change: Change, staff_id: int, **columns: str | None) -> None:
    """Change columns of a member of staff."""
    await Staff.filter(practice_id=change.practice_id, id=staff_id).update(**columns)


def sees_to_access(role: Role, limits: list[int] | None) -> bool:
    """Whether a person of this role and these queues sees to people and keys."""
    return may(role, Action.MANAGE_ACCESS) and limits is None


def name_taken(name: str, *, is_retired: bool = False) -> Refusal:
    """The refusal of a name that somebody has."""
    said = f"Somebody is called {name!r} already."
    if is_retired:
        said = f"{name!r} was here before and is retired: bring them back, or use another name."
    return Refusal(RefusalCode.NAME_TAKEN, said, "name")


async def refuse_name(change: Change, staff_id: int, name: str) -> Refusal | None:
    """The refusal if somebody else has the name."""
    others = Staff.filter(practice_id=change.practice_id, name=name).exclude(id=staff_id)
    return name_taken(name) if await others.exists() else None


def check_email(email: str | None) -> Refusal | None:
    """Why an address cannot be used; None if it can, or there is none."""
    try:
        _ = email and address_of(email)
    except BadValue as bad:
        return Refusal(bad.code, f"{bad}.", "email")
    return None


def address_of(email: str) -> str:
    """The address as it is kept."""
    return checked_email("The e-mail address", email)


async def refuse_email(
    change: Change, staff_id: int | None, email: str | None
) -> tuple[Refusal, ...]:
    """The refusal if an address is somebody else's."""
    if not email:
        return ()
    same = Staff.filter(practice_id=change.practice_id, email=address_of(email))
    if await same.exclude(id=staff_id or 0).exists():
        message = f"{address_of(email)} is somebody else's address already."
        return (Refusal(RefusalCode.EMAIL_TAKEN, message, "email"),)
    return ()

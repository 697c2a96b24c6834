"""People of a practice who sign in themselves: invited, listed and retired.

What a person may do stands in a row among the keys that has no secret. The sessions that they begin
are made from it, as others are from a key.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from gql_app.access.keys import NotThere, revoke_with_sessions, staff_called
from gql_app.access.signin import derive, use_up
from gql_app.access.tokens import INVITE, digest, practice_of
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated, Viewer
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.checks import BadValue
from models.database import fetch, fetch_first
from models.passkey import Passkey
from models.people import Staff
from models.practice import Practice
from models.roles import Role

NO_INVITE = "The invitation is not valid, was used, or is more than seven days old."

ROLES_OF_PEOPLE = [role for role in Role if role is not Role.PARTNER]


class Person(NamedTuple):
    """Somebody who is invited, or signed in, and their practice. `key_id` is the row with what they
    may do."""

    practice_id: int
    practice: str
    staff_id: int
    name: str
    key_id: int


class Listed(NamedTuple):
    """A person in a list. `passkeys` is how many they have."""

    name: str
    role: str
    revoked_at: datetime | None
    passkeys: int
    signed_in_at: datetime | None


_PERSON = """
SELECT k.practice_id, p.name, s.id, s.name, k.id
FROM access_key k JOIN practice p ON p.id = k.practice_id
JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
"""

_INVITED = f"""{_PERSON}
JOIN access_key i ON i.practice_id = k.practice_id AND i.parent_id = k.id
WHERE i.practice_id = $1 AND i.digest = $2 AND i.kind = 'INVITE' AND i.revoked_at IS NULL
AND i.expires_at > $3 AND k.revoked_at IS NULL
"""

_SIGNED_IN = f"""{_PERSON}
WHERE k.practice_id = $1 AND k.staff_id = $2 AND k.kind = 'PERSON' AND k.revoked_at IS NULL
"""

_BEHIND = f"""{_PERSON}
JOIN access_key i ON i.practice_id = k.practice_id AND i.parent_id = k.id
WHERE i.practice_id = $1 AND i.id = $2 AND i.kind = 'SESSION' AND k.kind = 'PERSON'
AND k.revoked_at IS NULL
"""

_PEOPLE = """
SELECT s.name, k.role, k.revoked_at,
       (SELECT COUNT(*) FROM passkey y WHERE y.practice_id = k.practice_id
        AND y.staff_id = k.staff_id), s.signed_in_at
FROM access_key k JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
WHERE k.practice_id = $1 AND k.kind = 'PERSON' ORDER BY s.name, s.id
"""


async def invite(
    change: ChangeOfPractice,
    name: str,
    role: Role,
    queue_ids: Iterable[int] | None = None,
    email: str | None = None,
) -> str:
    """Invite a person, who may do what `role` may, in these queues (all if None). Returns the
    invitation, which is shown once. Somebody who is there already keeps their passkeys; if they may
    do something else from now on their sessions end, and invitations before this one do too. By
    `email` the practice's identity provider may know them. Raises `BadValue` if it is another's."""
    limits = None if queue_ids is None else sorted(queue_ids)
    staff_id = await staff_called(change, name)
    if email is not None:
        await _set_email(change, staff_id, email)
    people = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.PERSON)
    person = await people.filter(staff_id=staff_id).select_for_update().first()
    if person is None:
        person = await AccessKey.create(
            practice_id=change.practice_id,
            kind=KeyKind.PERSON,
            digest=digest(secrets.token_hex()),
            staff_id=staff_id,
            created_at=change.now,
            role=role,
            queue_ids=limits,
        )
    else:
        made = AccessKey.filter(practice_id=change.practice_id, parent_id=person.id)
        if (person.role, person.queue_ids) == (role, limits):
            made = made.filter(kind=KeyKind.INVITE)
        await made.filter(revoked_at=None).update(revoked_at=change.now)
        await people.filter(id=person.id).update(revoked_at=None, role=role, queue_ids=limits)
    _, invitation = await derive(change, person.id, KeyKind.INVITE)
    change.note(AuditAction.KEY, f"staff {staff_id} invited, {role}")
    return invitation.token


async def _set_email(change: ChangeOfPractice, staff_id: int, email: str) -> None:
    here = Staff.filter(practice_id=change.practice_id)
    if await here.filter(email=email).exclude(id=staff_id).exists():
        raise BadValue(f"{email} is somebody else's address already")
    await here.filter(id=staff_id).update(email=email)


async def invited(token: str, now: datetime) -> Person:
    """Who is invited by a token. Raises `Unauthenticated`."""
    practice_id = practice_of(token, INVITE)
    if practice_id is not None:
        person = await fetch_first(Person, _INVITED, practice_id, digest(token), now)
        if person is not None:
            return person
    raise Unauthenticated(NO_INVITE, "invitation")


async def accept(change: ChangeOfPractice, token: str) -> Person:
    """Use an invitation up. Raises `Unauthenticated`."""
    person = await invited(token, change.now)
    await use_up(change, token, NO_INVITE)
    return person


async def person_of(practice_id: int, staff_id: int) -> Person | None:
    """A member of staff as somebody who signs in themselves; None if they were never invited, or
    are retired."""
    return await fetch_first(Person, _SIGNED_IN, practice_id, staff_id)


async def person_behind(viewer: Viewer) -> Person | None:
    """The person whose session it is; None for a key and its sessions, whatever name they have:
    they may do less than the person of that name."""
    return await fetch_first(Person, _BEHIND, viewer.practice_id, viewer.key_id)


async def retire(change: ChangeOfPractice, practice: Practice, name: str) -> None:
    """End what a person may do, with their sessions, invitations and passkeys. Their name stays on
    what they did. Raises `NotThere`."""
    people = AccessKey.filter(practice_id=practice.id, kind=KeyKind.PERSON, revoked_at=None)
    staff = await Staff.get_or_none(practice_id=practice.id, name=name)
    of_staff = people.filter(staff_id=0 if staff is None else staff.id)
    person = await of_staff.select_for_update().first()
    if person is None:
        raise NotThere(f"There is nobody called {name!r} who was invited to {practice.slug}.")
    await revoke_with_sessions(change, person.id)
    await Passkey.filter(practice_id=practice.id, staff_id=person.staff_id).delete()
    await Staff.filter(practice_id=practice.id, id=person.staff_id).update(subject=None, email=None)
    change.note(AuditAction.KEY, f"staff {person.staff_id} retired")


async def list_people(practice: Practice) -> list[Listed]:
    """The people who were invited, by their names."""
    return await fetch(Listed, _PEOPLE, practice.id)

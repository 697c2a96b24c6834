"""People of a practice who sign in themselves: who is invited, and who is signed in. They are
invited, changed and retired by work/inviting.py and work/staff.py."""

from datetime import datetime
from typing import NamedTuple

from gql_app.access.signin import use_up
from gql_app.access.tokens import INVITE, digest, practice_of
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated, Viewer
from models.database import fetch_first

NO_INVITE = "The invitation is not valid, was used, or is more than seven days old."


class Person(NamedTuple):
    """Somebody who is invited, or signed in, and their practice. `key_id` is the row with what they
    may do."""

    practice_id: int
    practice: str
    staff_id: int
    name: str
    key_id: int


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

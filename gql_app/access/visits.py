"""Visits: who supervises a group of practices signs in at one, their home, and looks into others.

In each of these they are a guest, whose row says what they may do there. A visit is a row of
the visited practice, made from the guest's and found by what the session at home is there
(tokens.py): the browser has no second secret. It holds for as long as the session does (lookup.py).
"""

from typing import NamedTuple

from gql_app.access.signin import note_sign_in
from gql_app.access.tokens import digest, visit_of
from gql_app.access.viewer import ChangeOfPractice, Forbidden, Home, Viewer
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.database import fetch

NOT_OF_GROUP = "There is no such practice in a group that you supervise."


class GroupPractice(NamedTuple):
    """A practice of a viewer's group: their home, or one where they are the guest `guest_id`."""

    group: str
    id: int
    slug: str
    name: str
    home_id: int
    guest_id: int | None

    @property
    def is_home(self) -> bool:
        return self.id == self.home_id


_PRACTICES = """
SELECT gr.name, p.id, p.slug, p.name, h.practice_id, g.id
FROM access_key h
JOIN access_key person ON person.practice_id = h.practice_id AND person.id = h.parent_id
    AND person.kind = 'PERSON'
JOIN group_supervisor s ON s.practice_id = h.practice_id AND s.staff_id = h.staff_id
JOIN practice_group gr ON gr.id = s.group_id
JOIN group_practice gp ON gp.group_id = s.group_id
JOIN practice p ON p.id = gp.practice_id AND p.archived_at IS NULL
LEFT JOIN access_key g ON g.practice_id = p.id AND g.kind = 'GUEST' AND g.revoked_at IS NULL
    AND g.home_practice_id = person.practice_id AND g.home_key_id = person.id
WHERE h.practice_id = $1 AND h.id = $2 AND h.kind = 'SESSION'
    AND (g.id IS NOT NULL OR p.id = h.practice_id)
ORDER BY p.name, p.id
"""


async def practices_of_group(viewer: Viewer) -> list[GroupPractice]:
    """The practices of the group that the viewer supervises, also while they visit one; none if
    they supervise none. A key supervises none, whatever its name is."""
    home = viewer.home or Home(viewer.practice_id, viewer.key_id)
    return await fetch(GroupPractice, _PRACTICES, *home)


async def begin_visit(
    change: ChangeOfPractice, guest_id: int, viewer: Viewer, session: str, home: str
) -> None:
    """Begin the visit of a guest whose `session` at the practice `home` is that of `viewer`, or go
    on with it. Raises `Forbidden`."""
    here = AccessKey.filter(practice_id=change.practice_id)
    guests = here.filter(id=guest_id, kind=KeyKind.GUEST, revoked_at=None)
    guest = await guests.select_for_update().first()
    if guest is None:
        raise Forbidden(NOT_OF_GROUP)
    its_digest = digest(visit_of(session, change.practice_id))
    if await here.filter(digest=its_digest).exists():
        return
    visit = await AccessKey.create(
        practice_id=change.practice_id,
        digest=its_digest,
        kind=KeyKind.VISIT,
        role=guest.role,
        staff_id=guest.staff_id,
        created_at=change.now,
        expires_at=viewer.expires_at,
        parent_id=guest.id,
        previous_sign_in_at=await note_sign_in(change, guest.staff_id),
        home_practice_id=viewer.practice_id,
        home_key_id=viewer.key_id,
    )
    come_from = f"a visit from {home}, by session {viewer.key_id} there"
    who = {"staff_id": guest.staff_id, "key_id": visit.id}
    change.note(AuditAction.SIGN_IN, come_from, **who)

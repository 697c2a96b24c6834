"""Guests: what the supervisors of a group are in its practices other than their home.

Who they are follows from the group. What is missing is made, and what is too much is ended, each in
a change of the practice that it concerns. Nobody's access waits for an end: a visit asks the group
itself (access/lookup.py).
"""

import re
import secrets
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from gql_app.access import digest
from gql_app.access.viewer import Home
from gql_app.work.changes import Change, Changes
from gql_app.work.giving_back import Make, give_back
from gql_app.work.persons import set_columns
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.database import Id, fetch, fetch_first
from models.limits import Busy
from models.people import Staff
from models.roles import Role

MAX_OF_PERSON, MAX_OF_GROUP = 120, 70
"""Characters of both that a guest's name has at most."""


class _Guest(NamedTuple):
    """A guest who is, or is to be, at a practice: `home` is the row of the person there."""

    practice_id: int
    home_practice_id: int
    home_key_id: int
    name: str
    group: str
    id: int | None
    staff_id: int | None
    called: str | None

    @property
    def home(self) -> Home:
        return Home(self.home_practice_id, self.home_key_id)

    @property
    def has_other_name(self) -> bool:
        """Whether they are called something else at home by now."""
        own = re.escape(guest_name(self.name, self.group))
        return self.called is not None and not re.fullmatch(rf"{own}( \d+)?", self.called)


_WANTED = """
SELECT gp.practice_id, h.practice_id, h.id, s.name, gr.name, g.id, g.staff_id, t.name
FROM group_supervisor gs
JOIN practice_group gr ON gr.id = gs.group_id
JOIN group_practice gp ON gp.group_id = gs.group_id AND gp.practice_id <> gs.practice_id
JOIN staff s ON s.practice_id = gs.practice_id AND s.id = gs.staff_id
JOIN access_key h ON h.practice_id = gs.practice_id AND h.staff_id = gs.staff_id
    AND h.kind = 'PERSON' AND h.revoked_at IS NULL
LEFT JOIN access_key g ON g.practice_id = gp.practice_id AND g.kind = 'GUEST'
    AND g.revoked_at IS NULL AND g.home_practice_id = h.practice_id AND g.home_key_id = h.id
LEFT JOIN staff t ON t.practice_id = g.practice_id AND t.id = g.staff_id
"""


class _Ended(NamedTuple):
    practice_id: int
    id: int


_NO_MORE = """
SELECT g.practice_id, g.id FROM access_key g
WHERE g.kind = 'GUEST' AND g.revoked_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM access_key h
    JOIN group_supervisor gs ON gs.practice_id = h.practice_id AND gs.staff_id = h.staff_id
    JOIN group_practice gp ON gp.group_id = gs.group_id
    WHERE h.practice_id = g.home_practice_id AND h.id = g.home_key_id AND h.revoked_at IS NULL
        AND gp.practice_id = g.practice_id AND gp.practice_id <> h.practice_id)
ORDER BY g.practice_id, g.id
"""


def guest_name(name: str, group: str) -> str:
    """What a guest is called, told apart from the practice's own people."""
    return f"{name[:MAX_OF_PERSON]} ({group[:MAX_OF_GROUP]})"


async def settle_guests(changes: Changes) -> None:
    """Make, name and end guests, as all groups are now."""
    for ended in await fetch(_Ended, _NO_MORE):
        with suppress(Busy):  # the log has named the practice; the next round tries again
            await _see_off(partial(changes.make_for, ended.practice_id), ended.id)
    for guest in await fetch(_Guest, f"{_WANTED} ORDER BY gp.practice_id, h.practice_id, h.id"):
        with suppress(Busy):
            if guest.id is None:
                await changes.make_for(guest.practice_id, _admit, guest.home)
            elif guest.has_other_name:
                await changes.make_for(guest.practice_id, _rename, guest.home)


async def _see_off(make: Make, guest_id: int) -> None:
    await give_back(make, await make(_end_guest, guest_id))


async def _admit(change: Change, home: Home) -> None:
    """Make a guest, or bring one back, if the group still says so."""
    guest = await _wanted(change, home)
    if guest is None or guest.id is not None:
        return
    here = AccessKey.filter(practice_id=change.practice_id, kind=KeyKind.GUEST)
    known = await here.get_or_none(home_practice_id=home.practice_id, home_key_id=home.key_id)
    if known is None:
        staff_id = await _new_guest(change, guest)
    else:
        staff_id = known.staff_id
        await here.filter(id=known.id).update(revoked_at=None)
        await _name(change, guest, staff_id)
    change.note(AuditAction.KEY, f"staff {staff_id} is a guest, {Role.SUPERVISOR}")


async def _new_guest(change: Change, guest: _Guest) -> int:
    name = await _free_name(change, guest, 0)
    staff = await Staff.create(practice_id=change.practice_id, name=name, created_at=change.now)
    await AccessKey.create(
        practice_id=change.practice_id,
        kind=KeyKind.GUEST,
        digest=digest(secrets.token_hex()),
        role=Role.SUPERVISOR,
        staff_id=staff.id,
        created_at=change.now,
        home_practice_id=guest.home_practice_id,
        home_key_id=guest.home_key_id,
    )
    return int(staff.id)


async def _rename(change: Change, home: Home) -> None:
    guest = await _wanted(change, home)
    if guest is not None and guest.staff_id is not None and guest.has_other_name:
        await _name(change, guest, guest.staff_id)
        change.note(AuditAction.KEY, f"staff {guest.staff_id} set: name")


async def _end_guest(change: Change, guest_id: int) -> int:
    """End what a guest may do. Returns their number as a member of staff."""
    guests = AccessKey.filter(practice_id=change.practice_id, id=guest_id)
    guest = await guests.select_for_update().get()
    if guest.revoked_at is None:
        await guests.update(revoked_at=change.now)
        change.note(AuditAction.KEY, f"staff {guest.staff_id} is a guest no more")
    return guest.staff_id


async def _name(change: Change, guest: _Guest, staff_id: int) -> None:
    await set_columns(change, staff_id, name=await _free_name(change, guest, staff_id))


async def _wanted(change: Change, home: Home) -> _Guest | None:
    where = "gp.practice_id = $1 AND h.practice_id = $2 AND h.id = $3"
    return await fetch_first(_Guest, f"{_WANTED} WHERE {where}", change.practice_id, *home)


async def _free_name(change: Change, guest: _Guest, staff_id: int) -> str:
    """The guest's name, with a number behind it if somebody else has it."""
    sql = "SELECT s.id FROM staff s WHERE s.practice_id = $1 AND s.name = $2 AND s.id <> $3"
    name, number = guest_name(guest.name, guest.group), 1
    free = name
    while await fetch(Id, sql, change.practice_id, free, staff_id):
        number += 1
        free = f"{name} {number}"
    return free

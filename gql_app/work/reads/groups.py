"""Groups of practices as an operator reads them, and the guests of one practice."""

from datetime import datetime
from typing import NamedTuple

from gql_app.access.keys import NotThere
from models.database import fetch
from models.group import PracticeGroup


class GroupLine(NamedTuple):
    """A group with the slugs of its practices, and who supervises it: the slug of their home, and
    their name."""

    slug: str
    name: str
    practices: list[str]
    supervisors: list[tuple[str, str]]


class Guest(NamedTuple):
    """A supervisor of the group, as a guest of a practice. `used_at` is when they were there last,
    right to about a minute."""

    name: str
    group: str
    home: str
    used_at: datetime | None


class _Pair(NamedTuple):
    group_id: int
    slug: str
    name: str


_PRACTICES = """
SELECT gp.group_id, p.slug, p.name FROM group_practice gp JOIN practice p ON p.id = gp.practice_id
ORDER BY p.slug
"""

_SUPERVISORS = """
SELECT gs.group_id, p.slug, s.name FROM group_supervisor gs
JOIN practice p ON p.id = gs.practice_id
JOIN staff s ON s.practice_id = gs.practice_id AND s.id = gs.staff_id
ORDER BY s.name, p.slug
"""

_GUESTS = """
SELECT s.name, gr.name, p.slug, g.last_used_at FROM access_key g
JOIN staff s ON s.practice_id = g.practice_id AND s.id = g.staff_id
JOIN practice p ON p.id = g.home_practice_id
JOIN group_practice gp ON gp.practice_id = g.practice_id
JOIN practice_group gr ON gr.id = gp.group_id
WHERE g.practice_id = $1 AND g.kind = 'GUEST' AND g.revoked_at IS NULL ORDER BY s.name
"""


async def group_called(slug: str) -> PracticeGroup:
    """The group with this slug. Raises `NotThere`."""
    group = await PracticeGroup.get_or_none(slug=slug)
    if group is None:
        raise NotThere(f"There is no group {slug!r}.")
    return group


async def list_groups() -> list[GroupLine]:
    """All groups by their slugs."""
    practices = await fetch(_Pair, _PRACTICES)
    supervisors = await fetch(_Pair, _SUPERVISORS)
    return [
        GroupLine(
            *(group.slug, group.name),
            [row.slug for row in practices if row.group_id == group.id],
            [(row.slug, row.name) for row in supervisors if row.group_id == group.id],
        )
        for group in await PracticeGroup.all().order_by("slug")
    ]


async def guests_of(practice_id: int) -> list[Guest]:
    """The guests of a practice, by name."""
    return await fetch(Guest, _GUESTS, practice_id)

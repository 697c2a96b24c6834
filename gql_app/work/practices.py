"""Practices: made so that they can be used at once, listed, and changed.

They are the tenants themselves, so nothing here goes through a viewer: it is for the command line,
whose user has the database.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tortoise.exceptions import IntegrityError

from gql_app.access.keys import create_key
from gql_app.access.signin import create_link
from gql_app.work.changes import Change, Changes
from models.audit import AuditAction
from models.checks import BadValue
from models.database import Id, fetch, for_update_but_its_key
from models.practice import Practice, Queue
from models.roles import Role
from models.task import IS_OPEN

FIRST_STAFF = "Administrator"

NO_PRACTICE = 0
"""The practice id of the change that creates a practice."""


class NewPractice(NamedTuple):
    """A practice to be made, of values that were checked (models/checks.py)."""

    slug: str
    name: str
    time_zone: str
    region: str
    queues: Sequence[str]


class CreatedPractice(NamedTuple):
    """What is shown once: an admin's key, and a link that signs in once."""

    key: str
    link: str


class PracticeLine(NamedTuple):
    """A practice in a list of them."""

    slug: str
    name: str
    time_zone: str
    region: str
    queues: int
    open_tasks: int


async def create_practice(changes: Changes, new: NewPractice) -> CreatedPractice:
    """Make a practice with its queues and an admin's key, or nothing. Raises `BadValue`."""
    try:
        return await changes.make_for(NO_PRACTICE, _create_practice, new)
    except IntegrityError:
        raise BadValue(f"there is a practice {new.slug!r} already") from None


async def _create_practice(change: Change, new: NewPractice) -> CreatedPractice:
    practice = await Practice.create(
        slug=new.slug,
        name=new.name,
        time_zone=new.time_zone,
        region=new.region,
        created_at=change.now,
    )
    change.practice_id = practice.id
    change.note(AuditAction.SETTING, "practice made")
    for position, name in enumerate(new.queues):
        await Queue.create(
            practice_id=practice.id, name=name, position=position, created_at=change.now
        )
    created = await create_key(change, Role.ADMIN, FIRST_STAFF)
    return CreatedPractice(created.key, await create_link(change, created.id))


async def set_practice(change: Change, values: dict[str, str]) -> None:
    """Change columns of a practice.

    Telephone numbers are kept in E.164, so another region changes how they are shown and how new
    ones are read, and no number that is there.
    """
    if "region" in values:
        # The database marks every patient as not indexed. They are locked before the practice's
        # row, which is the counter, as in every other change.
        sql = f"""SELECT p.id FROM patient p WHERE p.practice_id = $1
        ORDER BY p.id {for_update_but_its_key()}"""
        await fetch(Id, sql, change.practice_id)
    await Practice.filter(id=change.practice_id).update(**values)
    change.note(AuditAction.SETTING, f"practice: {', '.join(values)}")


async def list_practices() -> list[PracticeLine]:
    """All practices by their slugs."""
    return await fetch(
        PracticeLine,
        f"""
        SELECT p.slug, p.name, p.time_zone, p.region,
               (SELECT COUNT(*) FROM queue q WHERE q.practice_id = p.id),
               (SELECT COUNT(*) FROM task t
                WHERE t.practice_id = p.id AND {IS_OPEN})
        FROM practice p ORDER BY p.slug
        """,
    )

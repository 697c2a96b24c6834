"""Practices: made so that they can be used at once, listed, and changed.

They are the tenants themselves, so nothing here goes through a viewer: it is for the command line,
whose user has the database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tortoise.exceptions import IntegrityError

from gql_app.access.keys import create_key, practice_called
from gql_app.access.signin import create_link
from models.checks import BadValue
from models.database import fetch, transaction
from models.practice import Practice, Queue
from models.roles import Role
from models.task import IS_OPEN

FIRST_STAFF = "Supervisor"


class NewPractice(NamedTuple):
    """A practice to be made, of values that were checked (models/checks.py)."""

    slug: str
    name: str
    time_zone: str
    region: str
    queues: Sequence[str]


class CreatedPractice(NamedTuple):
    """What is shown once: a supervisor's key, and a link that signs in once."""

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


async def create_practice(new: NewPractice, now: datetime) -> CreatedPractice:
    """Make a practice with its queues and a supervisor's key, or nothing. Raises `BadValue`."""
    try:
        async with transaction():
            practice = await Practice.create(
                slug=new.slug,
                name=new.name,
                time_zone=new.time_zone,
                region=new.region,
                created_at=now,
            )
            for position, name in enumerate(new.queues):
                await Queue.create(
                    practice_id=practice.id, name=name, position=position, created_at=now
                )
            key = await create_key(practice, Role.SUPERVISOR, FIRST_STAFF)
    except IntegrityError:
        raise BadValue(f"there is a practice {new.slug!r} already") from None
    return CreatedPractice(key, await create_link(key, lambda: now))


async def change_practice(slug: str, changes: dict[str, str]) -> None:
    """Change columns of a practice. Raises `NotThere`.

    Telephone numbers are kept in E.164, so another region changes how they are shown and how new
    ones are read, and no number that is there.
    """
    practice = await practice_called(slug)
    if changes:
        await Practice.filter(id=practice.id).update(**changes)


async def practices_listed() -> list[PracticeLine]:
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

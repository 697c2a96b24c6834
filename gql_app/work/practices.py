"""Practices: made so that they can be used at once, listed, changed and archived."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tortoise.exceptions import IntegrityError

from gql_app.access.keys import create_key
from gql_app.access.signin import create_link
from gql_app.work.changes import Change, Changes
from gql_app.work.hours import forget_hours
from gql_app.work.queues import make_queue, require_set_up
from gql_app.work.reads.practices import PracticeRow, find_practice
from models.audit import AuditAction
from models.checks import BadValue
from models.database import Id, fetch, for_update_but_its_key, write
from models.practice import UNDO_MINUTES, Practice
from models.refusals import Refusal, RefusalCode
from models.roles import Role
from models.setting_checks import OF_PRACTICE, check_all
from models.task import IS_OPEN

FIRST_STAFF = "Administrator"

NO_PRACTICE = 0
"""The practice id of the change that creates a practice."""


class NewPractice(NamedTuple):
    """A practice to be made, of values that were checked (models/checks.py). Each queue is given by
    its settings (models/queue_checks.py)."""

    slug: str
    name: str
    time_zone: str
    region: str
    queues: Sequence[Mapping[str, object]]
    rest_hours: int | None = None
    undo_minutes: int | str = UNDO_MINUTES
    calling_hours: str | None = None
    holidays: str | None = None


class CreatedPractice(NamedTuple):
    """What is shown once: an admin's key, and a link that signs in once."""

    id: int
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
    archived_at: datetime | None


class PracticeResult(NamedTuple):
    """What came of a change of a practice: how it is now, the refusals, and the columns that were
    different before."""

    practice: PracticeRow
    refusals: tuple[Refusal, ...] = ()
    changed: tuple[str, ...] = ()


class Refused(Exception):
    """Something was refused, and nothing of the change stays."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals[0].message)
        self.refusals = refusals


async def create_practice(changes: Changes, new: NewPractice) -> CreatedPractice:
    """Make a practice with its queues and an admin's key, or nothing. Raises `BadValue`, and
    `Refused` for a queue."""
    try:
        return await changes.make_for(NO_PRACTICE, _create_practice, new)
    except IntegrityError:
        message = f"there is a practice {new.slug!r} already"
        raise BadValue(message, RefusalCode.SLUG_TAKEN) from None


async def _create_practice(change: Change, new: NewPractice) -> CreatedPractice:
    practice = await Practice.create(
        slug=new.slug,
        name=new.name,
        time_zone=new.time_zone,
        region=new.region,
        rest_hours=new.rest_hours,
        undo_minutes=int(new.undo_minutes),
        calling_hours=new.calling_hours,
        holidays=new.holidays,
        created_at=change.now,
    )
    change.practice_id = practice.id
    change.note(AuditAction.SETTING, "practice made")
    for given in new.queues:
        if refusals := (await make_queue(change, given)).refusals:
            raise Refused(refusals)
    created = await create_key(change, Role.ADMIN, FIRST_STAFF)
    link = await create_link(change, created.id)
    return CreatedPractice(practice.id, created.key, link)


async def update_practice(change: Change, given: Mapping[str, object]) -> PracticeResult:
    """Change the settings that are given (`OF_PRACTICE`). Raises `Forbidden`.

    Telephone numbers are kept in E.164, so another region changes how they are shown and how new
    ones are read, and no number that is there.
    """
    require_set_up(change)
    before = await find_practice(change.practice_id)
    values, refusals = check_all(given, OF_PRACTICE)
    if refusals:
        return PracticeResult(before, refusals)
    new = {column: value for column, value in values.items() if getattr(before, column) != value}
    if not new:
        return PracticeResult(before)
    if "region" in new:
        # The database marks every patient as not indexed. They are locked before the practice's
        # row, which is the counter, as in every other change.
        sql = f"""SELECT p.id FROM patient p WHERE p.practice_id = $1
        ORDER BY p.id {for_update_but_its_key()}"""
        await fetch(Id, sql, change.practice_id)
    if new.keys() & {"calling_hours", "holidays", "time_zone"}:
        await forget_hours(change)
    await Practice.filter(id=change.practice_id).update(**new)
    change.note_setting(f"practice: {', '.join(new)}")
    return PracticeResult(before._replace(**new), changed=tuple(new))


async def archive_practice(change: Change, *, bring_back: bool = False) -> bool:
    """Let nobody come in any more, or again. Nothing is removed. Whether that is new."""
    before = await find_practice(change.practice_id)
    if (before.archived_at is None) is bring_back:
        return False
    sql = "UPDATE practice SET archived_at = $2 WHERE id = $1"
    await write(sql, change.practice_id, None if bring_back else change.now)
    change.note_setting("practice brought back" if bring_back else "practice archived")
    return True


async def list_practices() -> list[PracticeLine]:
    """All practices by their slugs."""
    return await fetch(
        PracticeLine,
        f"""
        SELECT p.slug, p.name, p.time_zone, p.region,
               (SELECT COUNT(*) FROM queue q
                WHERE q.practice_id = p.id AND q.archived_at IS NULL),
               (SELECT COUNT(*) FROM task t
                WHERE t.practice_id = p.id AND {IS_OPEN}), p.archived_at
        FROM practice p ORDER BY p.slug
        """,
    )

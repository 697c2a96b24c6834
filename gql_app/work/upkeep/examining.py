"""Looks for rows that the program would not have written: those made by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access.keys import ENDS_SOON
from models.access import read_queue_ids
from models.checks import (
    BadValue,
    checked_name,
    checked_region,
    checked_slug,
    checked_time_zone,
)
from models.database import fetch
from models.follow_up import read_ladder
from models.queue_checks import LONGEST_LIFE
from models.roles import Role

PRUNED_WITHIN = timedelta(days=2)
"""Events may be this much older than they are kept: the owner of the tables prunes once a day."""

NOT_PRUNED = "neither a server nor callboard prune has removed what is too old"


class Finding(NamedTuple):
    """What is to be said of a practice. Not all of it `is_wrong`: some may be as it is meant."""

    practice: str
    text: str
    is_wrong: bool = True


class _Practice(NamedTuple):
    id: int
    slug: str
    name: str
    time_zone: str
    region: str
    queues: int
    unfindable: int
    first_event_at: datetime | None


class _Queue(NamedTuple):
    id: int
    slug: str
    name: str
    follow_up_ladder: str | None
    automatic_life_days: int | None
    practice_id: int


class _Key(NamedTuple):
    id: int
    slug: str
    practice_id: int
    role: str
    name: str
    queue_ids: str | None
    expires_at: datetime | None


_PRACTICES = """
SELECT p.id, p.slug, p.name, p.time_zone, p.region,
       (SELECT COUNT(*) FROM queue q WHERE q.practice_id = p.id),
       (SELECT COUNT(*) FROM patient a WHERE a.practice_id = p.id
            AND a.taken_back_at IS NULL AND a.merged_into_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM patient_word w WHERE w.practice_id = p.id AND w.patient_id = a.id)),
       (SELECT MIN(e.at) FROM task_event e WHERE e.practice_id = p.id)
FROM practice p ORDER BY p.slug
"""

_QUEUES = """
SELECT q.id, p.slug, q.name, q.follow_up_ladder, q.automatic_life_days, q.practice_id
FROM queue q JOIN practice p ON p.id = q.practice_id ORDER BY p.slug, q.id
"""

_KEYS = """
SELECT k.id, p.slug, k.practice_id, k.role, s.name, k.queue_ids, k.expires_at
FROM access_key k JOIN practice p ON p.id = k.practice_id
JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
WHERE k.revoked_at IS NULL AND k.kind IN ('KEY', 'PERSON') ORDER BY p.slug, k.id
"""


async def examine(now: datetime, kept: timedelta) -> list[Finding]:
    """What is wrong with, or worth knowing of, practices, queues and keys at `now`. Events are to
    be `kept` for so long."""
    practices = await fetch(_Practice, _PRACTICES)
    queues = await fetch(_Queue, _QUEUES)
    keys = await fetch(_Key, _KEYS)
    there: dict[int, set[int]] = {practice.id: set() for practice in practices}
    for queue in queues:
        there[queue.practice_id].add(queue.id)
    kept_from = now - kept - PRUNED_WITHIN
    usable = {key.practice_id for key in keys if not _has_ended(key, now)}
    found = [finding for practice in practices for finding in _of_practice(practice, usable)]
    found += [
        Finding(practice.slug, f"it has events from {first:%Y-%m-%d}: {NOT_PRUNED}", is_wrong=False)
        for practice in practices
        if (first := practice.first_event_at) is not None and first < kept_from
    ]
    found += [finding for queue in queues for finding in _of_queue(queue)]
    found += [finding for key in keys for finding in _of_key(key, there[key.practice_id], now)]
    return sorted(found, key=lambda finding: finding.practice)


def _of_practice(practice: _Practice, usable: set[int]) -> Iterator[Finding]:
    for check, values in (
        (checked_slug, [practice.slug]),
        (checked_name, ["its name", practice.name]),
        (checked_time_zone, [practice.time_zone]),
        (checked_region, [practice.region]),
    ):
        try:
            check(*values)
        except BadValue as error:
            yield Finding(practice.slug, str(error))
    if practice.region.upper() != practice.region:
        yield Finding(practice.slug, f"region {practice.region!r} is not in capital letters")
    if practice.unfindable:
        yield Finding(practice.slug, f"no search finds {practice.unfindable:,} of its patients")
    if not practice.queues:
        yield Finding(practice.slug, "it has no queue, so no task can be made", is_wrong=False)
    if practice.id not in usable:
        text = "it has no key that is valid, and nobody who was invited"
        yield Finding(practice.slug, text, is_wrong=False)


def _of_queue(queue: _Queue) -> Iterator[Finding]:
    which = f"queue {queue.name!r}"
    try:
        checked_name(f"the name of queue {queue.id}", queue.name)
    except BadValue as error:
        yield Finding(queue.slug, str(error))
    if queue.follow_up_ladder is not None:
        try:
            read_ladder(queue.follow_up_ladder)
        except ValueError:
            wrong = queue.follow_up_ladder
            yield Finding(queue.slug, f"{which} has a ladder that cannot be read: {wrong!r}")
    days = queue.automatic_life_days
    if days is not None and not 1 <= days <= LONGEST_LIFE:
        yield Finding(queue.slug, f"{which} lets automatic tasks live for {days:,} days")


def _of_key(key: _Key, there: set[int], now: datetime) -> Iterator[Finding]:
    which = f"key {key.id} of {key.name!r}"
    if key.role not in set(Role):
        yield Finding(key.slug, f"{which} has an unknown role: {key.role!r}")
    try:
        missing = (read_queue_ids(key.queue_ids) or frozenset()) - there
    except ValueError:
        yield Finding(key.slug, f"{which} has a list of queues that cannot be read")
    else:
        if missing:
            listed = ", ".join(map(str, sorted(missing)))
            yield Finding(key.slug, f"{which} is for queues that are not there: {listed}")
    if key.expires_at is not None and key.expires_at - now <= ENDS_SOON:
        verb = "ended" if _has_ended(key, now) else "ends"
        yield Finding(key.slug, f"{which} {verb} on {key.expires_at:%Y-%m-%d}", is_wrong=False)


def _has_ended(key: _Key, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now

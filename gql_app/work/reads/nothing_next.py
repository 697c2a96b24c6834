"""Why there is nothing to claim next, and when there will be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.last_calls import call_of
from gql_app.work.reads.next_tasks import (
    DUE_NOW,
    FOR_VIEWER,
    NOT_PROMISED,
    WINDOW,
    Where,
    first_of_queues,
    most_urgent,
)
from gql_app.work.reads.sections import DUE, NEW
from models.call_back import GRACE
from models.follow_up import local_date
from models.rest import Rest, midnight
from models.task import EXPIRES_KEY, IS_OPEN, WAITS


class NothingReason(StrEnum):
    """Why there is nothing to claim next."""

    NOBODY_DUE = "NOBODY_DUE"  # nobody is to be called now
    SKIPPED = "SKIPPED"  # all whom the client does not want now
    CALLED_LATELY = "CALLED_LATELY"  # they rest after a call
    LEFT_TO_OTHER = "LEFT_TO_OTHER"  # somebody else has promised to call back
    BEING_CALLED = "BEING_CALLED"  # by somebody else
    OUTSIDE_CALLING_HOURS = "OUTSIDE_CALLING_HOURS"  # at the practice, or where they live


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is nothing to claim next, in words, and when there will be; None if that is not a
    question of time. `reasons` are what the words say, for programs."""

    reason: str
    next_at: datetime | None
    reasons: tuple[NothingReason, ...] = field(default=(), compare=False)


class _Waiting(NamedTuple):
    """An open task that may not be handed out yet: its follow-up date is to come, or its patient
    rests; or both. Or the patient is to be called back, or it is due outside the calling hours.
    `called_at` is when the patient was called last, `time_zone` the one that the number tells."""

    queue_id: int
    kind: str
    follow_up: date | None
    expires_at: datetime | None
    rests_since: datetime | None
    follow_up_at: datetime | None
    call_back_by_id: int | None
    claimed_until: datetime | None
    waits_until: datetime | None
    called_at: datetime | None
    time_zone: str | None

    def is_called(self, now: datetime) -> bool:
        """Whether it is due, and somebody is calling."""
        return self.kind == "claimed" or (
            self._is_due_call_back(now)
            and self.claimed_until is not None
            and self.claimed_until > now
        )

    def is_left_to_other(self, staff_id: int, now: datetime) -> bool:
        """Whether it is time for a call-back that somebody else has promised."""
        return (
            self._is_due_call_back(now)
            and not self.is_called(now)
            and self.call_back_by_id not in (None, staff_id)
        )

    def _is_due_call_back(self, now: datetime) -> bool:
        return (
            self.kind == "promised" and self.follow_up_at is not None and self.follow_up_at <= now
        )


async def why_nothing(viewer: Viewer, where: Where, now: datetime) -> Nothing:
    """Say why no task of the queues is free, and when the next one will be, as far as that is a
    question of time. A claim that ends by itself is not waited for: usually a contact ends it."""
    today, is_open = local_date(now, viewer.time_zone), where.hours.may_call(now)
    values = [viewer.practice_id, now, today, viewer.staff_id, where.rest.since(now)]
    kinds = _selects if is_open else _selects_while_closed
    found = await first_of_queues(_Waiting, where.queues, kinds, values)
    all_due = []
    if where.skipped:
        all_due = await most_urgent(viewer, where._replace(skipped=[]), now)
    is_skipped = any(is_open or task.is_promised for task in all_due)
    why = dict(_reasons(found, where.rest, viewer.staff_id, now, is_skipped=is_skipped))
    next_at = min(_moments(found, where, viewer, now), default=None)
    if not why:
        return Nothing("Nobody is due to be called.", next_at, (NothingReason.NOBODY_DUE,))
    return Nothing(f"Everybody who is due {' or '.join(why.values())}.", next_at, tuple(why))


def _reasons(
    found: list[_Waiting], rest: Rest, staff_id: int, now: datetime, *, is_skipped: bool
) -> Iterator[tuple[NothingReason, str]]:
    """What keeps those who are due from being handed out, each with its words."""
    if is_skipped:
        yield NothingReason.SKIPPED, "was skipped by you"
    if any(task.kind == "resting" for task in found):
        yield NothingReason.CALLED_LATELY, f"was called {_lately(rest)}"
    if any(task.kind in ("waiting", "free") for task in found):
        yield NothingReason.OUTSIDE_CALLING_HOURS, "is outside the calling hours"
    if any(task.is_left_to_other(staff_id, now) for task in found):
        yield NothingReason.LEFT_TO_OTHER, "is to be called back by somebody else"
    if any(task.is_called(now) for task in found):
        yield NothingReason.BEING_CALLED, "is being called now"


def _lately(rest: Rest) -> str:
    if rest.hours is None:
        return "today already"
    return "within the last hour" if rest.hours == 1 else f"within the last {rest.hours} hours"


def _selects(queue: str) -> list[str]:
    """The first tasks of a queue that wait, by what they wait for. The parameters are those of
    `most_urgent`. Of those that are due and not resting all are claimed, or others' work."""
    select = _select(queue)
    return [
        # By the day on which they are due: the index of those has all priorities together.
        f"""{select % "later"} AND {IS_OPEN} AND t.follow_up IS NOT NULL AND t.due_on > $3
          AND t.review_since IS NULL AND {FOR_VIEWER}
        ORDER BY t.due_on, t.id LIMIT {WINDOW}""",
        f"""{select % "resting"} AND {IS_OPEN} AND {DUE_NOW} AND {NOT_PROMISED}
          AND t.rests_since > $5 AND t.rests_since < '{WAITS}' AND {FOR_VIEWER}
        ORDER BY t.rests_since LIMIT {WINDOW}""",
        f"""{select % "waiting"} AND {IS_OPEN} AND {DUE_NOW} AND {NOT_PROMISED}
          AND t.waits_until > $2 AND t.rests_since = '{WAITS}' AND {FOR_VIEWER}
        ORDER BY t.waits_until LIMIT {WINDOW}""",
        f"""{select % "claimed"} AND {IS_OPEN} AND {DUE_NOW} AND {NOT_PROMISED}
          AND t.rests_since IS NULL AND t.claimed_until > $2 AND {FOR_VIEWER} LIMIT 1""",
        f"""{select % "promised"} AND {IS_OPEN} AND t.follow_up_at IS NOT NULL
        ORDER BY t.follow_up_at, t.id LIMIT {WINDOW}""",
    ]


def _selects_while_closed(queue: str) -> list[str]:
    """The same, and the first of those who would be handed out if the practice were open."""
    free = [
        f"""{_select(queue) % "free"} AND t.rests_since IS NULL AND {section.holds("$3")}
          AND {NOT_PROMISED} AND (t.claimed_until IS NULL OR t.claimed_until <= $2) AND {FOR_VIEWER}
        ORDER BY t.rests_since, {section.sort} LIMIT {WINDOW}"""
        for section in (DUE, NEW)
    ]
    return [*_selects(queue), *free]


def _select(queue: str) -> str:
    """The beginning of each of these selects, where the kind is left open."""
    return f"""SELECT t.queue_id, '%s' AS kind, t.follow_up, t.expires_at, t.rests_since,
            t.follow_up_at, t.call_back_by_id, t.claimed_until, t.waits_until,
            {call_of("t.patient_id")} AS called_at,
            (SELECT p.time_zone FROM patient p
             WHERE p.practice_id = $1 AND p.id = t.patient_id) AS time_zone
        FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue} AND {EXPIRES_KEY} > $2"""


def _moments(
    found: list[_Waiting], where: Where, viewer: Viewer, now: datetime
) -> Iterable[datetime]:
    """When the tasks are free that wait for nothing but time. Where a queue has more than were
    looked at, the moment before which none of the others is: so it is never said too late."""
    last: dict[tuple[int, str], _Waiting] = {}
    number: dict[tuple[int, str], int] = {}
    opening = cache(where.hours.next_at)  # for as long as this answer takes
    for task in found:
        if task.kind == "claimed":
            continue
        free_at = _free_at(task, where.rest, viewer, now)
        if free_at is not None and task.kind != "promised":
            free_at = opening(free_at, task.time_zone)
        if (
            free_at is not None
            and free_at > now
            and (task.expires_at is None or free_at < task.expires_at)
        ):
            yield free_at
        place = (task.queue_id, task.kind)
        last[place], number[place] = task, number.get(place, 0) + 1
    for place, task in last.items():
        if number[place] >= WINDOW:
            earliest = max(now, _earliest(task, where.rest, now))
            if task.kind != "promised":
                earliest = opening(earliest) or earliest
            yield earliest


def _free_at(task: _Waiting, rest: Rest, viewer: Viewer, now: datetime) -> datetime | None:
    """When a task is free; None if it is being called, or is told of as one that was promised."""
    if task.kind == "promised":
        assert task.follow_up_at is not None
        is_mine = task.call_back_by_id in (None, viewer.staff_id)
        free_at = task.follow_up_at if is_mine else task.follow_up_at + GRACE
        return None if task.is_called(now) else free_at
    if task.follow_up_at is not None:
        return None
    rested = None if task.called_at is None or rest.is_off else rest.end(task.called_at)
    due = _begins(task, rest) if task.kind == "later" and task.follow_up is not None else None
    is_waiting = task.kind in ("free", "waiting")
    moments = (rested, due, now if is_waiting else None)
    return max(moment for moment in moments if moment is not None)


def _begins(task: _Waiting, rest: Rest) -> datetime:
    assert task.follow_up is not None
    return midnight(task.follow_up, rest.time_zone)


def _earliest(task: _Waiting, rest: Rest, now: datetime) -> datetime:
    """The first moment at which a task can be free that stands after this one."""
    if task.kind in ("free", "waiting"):
        return now
    if task.kind == "later":
        return _begins(task, rest)
    if task.kind == "promised":
        assert task.follow_up_at is not None
        return task.follow_up_at
    assert task.rests_since is not None
    return rest.end(task.rests_since)

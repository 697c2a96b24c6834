"""What was done in a period, for supervisors: by bucket, by queue and by member of staff.

It is counted from tasks and contacts, not from events, which are not kept for ever. A task counts
in the queue that it is in now.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.reads.history import StaffRow, staff_by_id
from gql_app.work.reads.queues import QueueRow, visible_queues
from gql_app.work.reads.tally import Median, count_all, find_medians
from gql_app.work.reports.buckets import BucketSize, bucket_bounds
from models.database import snapshot
from models.lifecycle import CloseCause, ContactOutcome

Counts = TypeVar("Counts", bound=type)


def counts_each(values: type[StrEnum]) -> Callable[[Counts], Counts]:
    """Check that a class has a field for each of `values`, in their order. A value without a field
    would be missing from the total. Raises `TypeError`, when the class is made."""

    def check(counts: Counts) -> Counts:
        expected = [value.lower() for value in values]
        if [field for field in counts.__annotations__ if field != "total"] != expected:
            raise TypeError(f"the fields of {counts.__name__} must be {', '.join(expected)}")
        return counts

    return check


@counts_each(ContactOutcome)
class ContactCounts(NamedTuple):
    """Contacts by outcome."""

    no_answer: int
    left_message: int
    did_not_schedule: int
    scheduled: int

    @property
    def total(self) -> int:
        return sum(self)


@counts_each(CloseCause)
class ClosedCounts(NamedTuple):
    """Closed tasks by cause."""

    contact: int
    expired: int
    appointment_booked: int
    withdrawn: int
    do_not_contact: int
    max_attempts: int

    @property
    def total(self) -> int:
        return sum(self)


class Figures(NamedTuple):
    """`expired_untouched` are the expired tasks that nobody ever called for. The medians are over
    the contacts with the outcome Scheduled: how many contacts it took with this one, and how long
    after the task was made it came, to a hundredth of an hour; None if there was none."""

    contacts: ContactCounts
    tasks_opened: int
    tasks_closed: ClosedCounts
    expired_untouched: int
    median_attempts_to_scheduled: float | None
    median_hours_to_scheduled: float | None


class Bucket(NamedTuple):
    """The figures from `begin` to `end`, which have the practice's offset."""

    begin: datetime
    end: datetime
    figures: Figures


class QueueActivity(NamedTuple):
    queue: QueueRow
    figures: Figures


class StaffActivity(NamedTuple):
    """`tasks_closed` are those that a contact of theirs has closed."""

    staff: StaffRow
    contacts: ContactCounts
    tasks_closed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """All that was done on the dates from `first` through `last`: in each bucket, in each queue
    that the key allows, and by each who did anything, by name."""

    first: date
    last: date
    buckets: list[Bucket]
    by_queue: list[QueueActivity]
    by_staff: list[StaffActivity]
    total: Figures


_TOTAL = ("total", 0)


async def read_activity(
    viewer: Viewer, first: date, last: date, size: BucketSize, queue_ids: Sequence[int] | None
) -> Activity:
    """What was done from `first` through `last`, two dates at the practice, in the queues that the
    key allows, of `queue_ids` if given. Raises `Forbidden` and `BadInput`."""
    viewer.require(viewer.may_read_activity, "read activity reports")
    bounds = bucket_bounds(first, last, size, viewer.time_zone)
    async with snapshot(is_long=True):
        queues = await visible_queues(viewer, queue_ids, with_archived=True)
        asked = (viewer.practice_id, [queue.id for queue in queues], bounds)
        counts = await count_all(*asked)
        medians = await find_medians(*asked)
        active = {row.which for row in counts if row.kind == "staff"}
        staff = await staff_by_id(viewer, sorted(active))
    counted: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for row in counts:
        counted[row.kind, row.which][row.what] += row.number
        if row.kind == "queue":
            counted[_TOTAL][row.what] += row.number
    median = {(row.kind, row.which): row for row in medians}

    def figures(kind: str, which: int) -> Figures:
        return _figures(counted[kind, which], median.get((kind, which)))

    zone = ZoneInfo(viewer.time_zone)
    local = [bound.astimezone(zone) for bound in bounds]
    return Activity(
        first,
        last,
        buckets=[
            Bucket(begin, end, figures("bucket", place))
            for place, (begin, end) in enumerate(pairwise(local), 1)
        ],
        by_queue=[
            QueueActivity(queue, figures("queue", queue.id))
            for queue in queues
            if queue.archived_at is None or counted["queue", queue.id]
        ],
        by_staff=[
            _staff_activity(person, counted["staff", person.id])
            for person in sorted(staff, key=lambda person: (person.name, person.id))
        ],
        total=figures(*_TOTAL),
    )


def _figures(counted: Counter[str], median: Median | None) -> Figures:
    untouched = counted["UNTOUCHED"]
    closed = counted + Counter({CloseCause.EXPIRED: untouched})
    return Figures(
        contacts=_contacts(counted),
        tasks_opened=counted["OPENED"],
        tasks_closed=ClosedCounts(*(closed[cause] for cause in CloseCause)),
        expired_untouched=untouched,
        median_attempts_to_scheduled=median and median.attempts,
        median_hours_to_scheduled=median and round(median.hours, 2),
    )


def _contacts(counted: Counter[str]) -> ContactCounts:
    return ContactCounts(*(counted[outcome] for outcome in ContactOutcome))


def _staff_activity(person: StaffRow, counted: Counter[str]) -> StaffActivity:
    return StaffActivity(person, _contacts(counted), counted[CloseCause.CONTACT])

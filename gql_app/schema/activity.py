"""Activity: the supervisors' figures."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS, REPORT
from gql_app.schema.context import Info
from gql_app.schema.enums import BucketSize
from gql_app.schema.ids import read_ids_of
from gql_app.schema.queues import Queue
from gql_app.schema.staff import Staff
from gql_app.work.reports.activity import Activity as ActivityRow
from gql_app.work.reports.activity import counts_each, read_activity
from models.lifecycle import CloseCause, ContactOutcome

FirstDay = Annotated[
    date, strawberry.argument(name="from", description="The first date at the practice.")
]
LastDay = Annotated[
    date, strawberry.argument(name="to", description="The last date, which is counted too.")
]


@strawberry.type(description="Contacts by outcome.")
@counts_each(ContactOutcome)
class ContactCounts:
    no_answer: int
    left_message: int
    did_not_schedule: int
    scheduled: int
    total: int


@strawberry.type(description="Closed tasks by cause.")
@counts_each(CloseCause)
class ClosedCounts:
    contact: int
    expired: int
    appointment_booked: int
    withdrawn: int
    do_not_contact: int
    max_attempts: int
    total: int


@strawberry.type(
    description="What was done in a period. A task counts in the queue that it is in now."
)
class ActivityFigures:
    contacts: ContactCounts = strawberry.field(
        description="Contacts that were made then, though some were logged later."
    )
    tasks_opened: int
    tasks_closed: ClosedCounts
    expired_untouched: int = strawberry.field(description="Expired tasks without a contact.")
    median_attempts_to_scheduled: float | None = strawberry.field(
        description="How many contacts it took to schedule, the one that did it included; of those"
        " that were scheduled then. Null if none was."
    )
    median_hours_to_scheduled: float | None = strawberry.field(
        description="Hours from the making of a task to the contact that scheduled, with two"
        " decimals. Null if none was scheduled."
    )


@strawberry.type(description="An hour, a day or a week, cut to the dates that were asked for.")
class ActivityBucket:
    begin: datetime = strawberry.field(description="With the practice's offset at that moment.")
    end: datetime = strawberry.field(description="Where the next bucket begins.")
    figures: ActivityFigures


@strawberry.type(description="What was done in one queue.")
class QueueActivity:
    queue: Queue
    figures: ActivityFigures


@strawberry.type(description="What one member of staff has done.")
class StaffActivity:
    staff: Staff
    contacts: ContactCounts
    tasks_closed: int = strawberry.field(description="Tasks that a contact of theirs has closed.")


@strawberry.type(description="What was done on some dates, in the practice's time zone.")
class Activity:
    first: date = strawberry.field(name="from")
    last: date = strawberry.field(name="to")
    buckets: list[ActivityBucket] = strawberry.field(
        description="One after the other, those in which nothing was done too.",
        metadata={MOST_ROWS: 100},
    )
    by_queue: list[QueueActivity] = strawberry.field(
        description="Each queue that was asked for and that the key allows."
    )
    by_staff: list[StaffActivity] = strawberry.field(
        description="Everyone who has made a contact or closed a task with one, by name."
    )
    total: ActivityFigures


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=Activity,
        description="For supervisors: what was done from one date through another, at most 31 days"
        " by HOUR, 366 by DAY, five years by WEEK (from Monday).",
        metadata={REPORT: True},
    )
    async def activity(
        self,
        info: Info,
        first: FirstDay,
        last: LastDay,
        bucket: BucketSize = BucketSize.DAY,
        queue_ids: list[strawberry.ID] | None = None,
    ) -> ActivityRow:
        viewer, queues = info.context.viewer, read_ids_of("Queue", queue_ids)
        return await read_activity(viewer, first, last, bucket, queues)

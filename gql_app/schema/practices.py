"""Set-up, for admins: `practice`, `updatePractice`, and the mutations that change queues."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import strawberry

from gql_app.schema.calling_hours import CallingHoursInput, HolidayInput, as_settings
from gql_app.schema.context import Info
from gql_app.schema.ids import read_id_of
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.schema.queues import Queue
from gql_app.schema.viewer import Practice
from gql_app.work.archiving import archive_queue
from gql_app.work.practices import update_practice
from gql_app.work.queues import create_queue, update_queue
from gql_app.work.reads.practices import PracticeRow, find_practice
from gql_app.work.reads.queues import QueueRow
from models.queue_checks import OF_QUEUE
from models.refusals import Refusal
from models.setting_checks import OF_PRACTICE

_SCRIPT = "What the caller says, in Markdown, at most 10,000 characters."
_LADDER = "After how many days to call again, contact by contact: increasing numbers up to 730."
_LIFE = "After how many days an automatic task expires that does not say so itself, 1 to 3,650."
_CLOSES = "Whether automatic tasks close when their patient has an appointment."
_KINDS = (
    "Only appointments of these kinds close its tasks, or make one when they are missed: at most 20"
    " of up to 100 characters each, capitals aside. Of any kind if there are none."
)
_MISSED = "Whether an appointment that is missed makes an automatic task here."
_ATTEMPTS = "How often a patient is to be called at most for one task, 1 to 100."
_CLOSES_THEN = "Whether a task closes with the last attempt. Otherwise it waits for a supervisor."
_POSITION = "Its place in the list of queues, 0 for the first."


@strawberry.input(description="What is to be changed. What is left out stays as it is.")
class UpdatePracticeInput:
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 200 characters."
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="An IANA name, such as America/Chicago."
    )
    region: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Two letters of ISO 3166. Numbers that are kept stay as they are.",
    )
    rest_hours: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="For how long a patient who was called is not handed out again: 1 to 720 hours,"
        " 0 for not at all, null until the day ends at the practice.",
    )
    undo_minutes: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="For how many minutes those who have logged a contact may undo it, 0 to 120.",
    )
    calling_hours: list[CallingHoursInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="When patients may be called: each weekday at most once, and none on those left"
        " out. Null, or an empty list, for any time.",
    )
    holidays: list[HolidayInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The days on which nobody is called, at most 100: all of them, in place of"
        " those that were there.",
    )


@strawberry.input(description="A new queue.")
class CreateQueueInput:
    name: str = strawberry.field(description="1 to 200 characters, unlike any other queue's.")
    follow_up_ladder: list[int] | None = strawberry.field(
        default=strawberry.UNSET, description=_LADDER
    )
    automatic_life_days: int | None = strawberry.field(default=strawberry.UNSET, description=_LIFE)
    closes_on_appointment: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_CLOSES
    )
    appointment_kinds: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=_KINDS
    )
    missed_appointments: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_MISSED
    )
    max_attempts: int | None = strawberry.field(default=strawberry.UNSET, description=_ATTEMPTS)
    closes_at_max_attempts: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_CLOSES_THEN
    )
    script: str | None = strawberry.field(default=strawberry.UNSET, description=_SCRIPT)
    position: int | None = strawberry.field(
        default=None, description=f"{_POSITION} The last place unless it is given."
    )


@strawberry.input(
    description="What is to be changed. What is left out stays as it is; null takes it away."
)
class UpdateQueueInput:
    id: strawberry.ID = strawberry.field(description="Which queue.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 200 characters, unlike any other queue's."
    )
    follow_up_ladder: list[int] | None = strawberry.field(
        default=strawberry.UNSET, description=_LADDER
    )
    automatic_life_days: int | None = strawberry.field(default=strawberry.UNSET, description=_LIFE)
    closes_on_appointment: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_CLOSES
    )
    appointment_kinds: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=_KINDS
    )
    missed_appointments: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_MISSED
    )
    max_attempts: int | None = strawberry.field(default=strawberry.UNSET, description=_ATTEMPTS)
    closes_at_max_attempts: bool | None = strawberry.field(
        default=strawberry.UNSET, description=_CLOSES_THEN
    )
    script: str | None = strawberry.field(default=strawberry.UNSET, description=_SCRIPT)
    position: int | None = strawberry.field(default=None, description=_POSITION)
    bring_back: bool = strawberry.field(
        default=False, description="Use the queue again, if it is archived."
    )


@strawberry.input(description="Which queue is archived, and what becomes of its open tasks.")
class ArchiveQueueInput:
    id: strawberry.ID = strawberry.field(description="The queue that is archived.")
    move_to: strawberry.ID | None = strawberry.field(
        default=None, description="The queue that its open tasks move to; without it they close."
    )


@strawberry.type(description="What came of a change of the practice.")
class PracticePayload:
    practice: Practice = strawberry.field(description="The practice as it is now.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="What came of a change of a queue.")
class QueuePayload:
    queue: Queue | None = strawberry.field(
        description="The queue as it is now; null if there is none."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type(description="What came of archiving a queue.")
class ArchiveQueuePayload:
    queue: Queue | None = strawberry.field(
        description="The queue as it is now; null if there is none."
    )
    tasks: int = strawberry.field(
        description="How many tasks were closed or moved. Also where the queue could not be"
        " archived after all, because somebody began to call meanwhile."
    )
    errors: list[UserError] = strawberry.field(description="Why it was not archived.")


class _PracticePayload(NamedTuple):
    practice: PracticeRow
    errors: list[ErrorRow]


class _QueuePayload(NamedTuple):
    queue: QueueRow | None
    errors: list[ErrorRow]
    tasks: int = 0


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=Practice, description="The practice that the key belongs to. For admins."
    )
    async def practice(self, info: Info) -> PracticeRow:
        viewer = info.context.viewer
        viewer.require(viewer.may_set_up, "read the practice's settings")
        return await find_practice(viewer.practice_id)


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=PracticePayload,
        description="Change the practice: its name, time zone or region, how long patients rest"
        " after a call, when they may be called, or for how long contacts may be undone. For"
        " admins.",
    )
    async def update_practice(self, info: Info, input: UpdatePracticeInput) -> _PracticePayload:
        given = as_settings(_given(input, OF_PRACTICE))
        result = await info.context.make(update_practice, given)
        return _PracticePayload(result.practice, _errors(info, result.refusals))

    @strawberry.mutation(
        graphql_type=QueuePayload, description="Create a queue. Dashboards show it at once."
    )
    async def create_queue(self, info: Info, input: CreateQueueInput) -> _QueuePayload:
        given = _given(input, OF_QUEUE)
        result = await info.context.make(create_queue, given, input.position)
        return _QueuePayload(result.queue, _errors(info, result.refusals))

    @strawberry.mutation(
        graphql_type=QueuePayload,
        description="Change a queue, its place, or both. Tasks that are there keep their expiry.",
    )
    async def update_queue(self, info: Info, input: UpdateQueueInput) -> _QueuePayload:
        result = await info.context.make(
            update_queue,
            read_id_of("Queue", input.id),
            _given(input, OF_QUEUE),
            input.position,
            bring_back=input.bring_back,
        )
        return _QueuePayload(result.queue, _errors(info, result.refusals))

    @strawberry.mutation(
        graphql_type=ArchiveQueuePayload,
        description="Archive a queue; its open tasks are closed, or moved to another one. Not while"
        " somebody is calling for one of them.",
    )
    async def archive_queue(self, info: Info, input: ArchiveQueueInput) -> _QueuePayload:
        context = info.context
        move_to = None if input.move_to is None else read_id_of("Queue", input.move_to)
        queue_id = read_id_of("Queue", input.id)
        archived = await archive_queue(context.changes, context.viewer, queue_id, move_to=move_to)
        errors = _errors(info, archived.queue.refusals)
        return _QueuePayload(archived.queue.queue, errors, archived.tasks)


def _given(input: object, settings: Any) -> dict[str, Any]:
    """The settings that were sent, by their columns."""
    sent = {name: getattr(input, name) for name in settings}
    return {name: value for name, value in sent.items() if value is not strawberry.UNSET}


def _errors(info: Info, refusals: Sequence[Refusal]) -> list[ErrorRow]:
    if refusals:
        info.context.note_refusal(refusals[0].code)
    return [error_row(refusal, "input") for refusal in refusals]

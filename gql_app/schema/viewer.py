"""The viewer: who holds the key, and the practice that it belongs to."""

import hashlib
from datetime import date, datetime

import orjson
import strawberry

from gql_app.access import Viewer as ViewerRow
from gql_app.access.passkeys import passkeys_of
from gql_app.access.people import person_behind
from gql_app.access.signin import SessionRow, last_sign_in, sessions_of
from gql_app.access.visits import practices_of_group
from gql_app.schema.account import Passkey, Session
from gql_app.schema.calling_hours import CallingHours, Holiday
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import Role
from gql_app.schema.groups import GroupSource, PracticeGroup
from gql_app.schema.queues import Queue
from gql_app.schema.staff import Staff
from gql_app.schema.tasks import Task
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.history import StaffRow
from gql_app.work.reads.next_tasks import claimed_tasks
from gql_app.work.reads.practices import PracticeRow, find_practice
from gql_app.work.reads.queues import QueueRow, visible_queues
from models.event import feed_bounds
from models.follow_up import local_date
from models.hours_text import Holiday as HolidayRow
from models.hours_text import OpenOn, kept_holidays, kept_hours
from models.passkey import PasskeyRow
from models.task import TaskRow


@strawberry.type(description="The practice that the key belongs to.")
class Practice:
    name: str = strawberry.field(description="What people call it.")
    slug: str = strawberry.field(description="Its short name, for commands.")
    time_zone: str = strawberry.field(description="An IANA name, such as America/Chicago.")
    region: str = strawberry.field(
        description="The region whose telephone numbers are written without a country's code: two"
        " letters of ISO 3166, such as US."
    )

    rest_hours: int | None = strawberry.field(
        description="For how many hours a patient who was called is not handed out again, whichever"
        " of their tasks is due: null is until the day ends at the practice, 0 is not at all."
    )
    undo_minutes: int = strawberry.field(
        description="For how many minutes those who have logged a contact may undo it. With 0 only"
        " supervisors may."
    )

    @strawberry.field(
        graphql_type=list[CallingHours],
        description="When patients may be called, Monday first: claimNextTask hands out nobody at"
        " other times, but for call-backs. It counts by the practice's clocks, and by those of"
        " where a patient's number is from, if it tells that (`Patient.timeZone`). A weekday that"
        " is not there is closed; empty if patients may be called at any time.",
    )
    def calling_hours(parent: strawberry.Parent[PracticeRow]) -> list[OpenOn]:
        return kept_hours(parent.calling_hours)

    @strawberry.field(
        graphql_type=list[Holiday], description="The days on which nobody is called, in order."
    )
    def holidays(parent: strawberry.Parent[PracticeRow]) -> list[HolidayRow]:
        return kept_holidays(parent.holidays)

    @strawberry.field(
        description="The time by the server's clock, for those who cannot trust their own."
    )
    def now(parent: strawberry.Parent[PracticeRow], info: SharedInfo) -> datetime:
        return info.context.services.clock()

    @strawberry.field(description="Today's date at the practice.")
    def today(parent: strawberry.Parent[PracticeRow], info: SharedInfo) -> date:
        return local_date(info.context.services.clock(), parent.time_zone)

    @strawberry.field(description="How long a claim lasts that is not renewed, in seconds.")
    def claim_seconds(parent: strawberry.Parent[PracticeRow], info: SharedInfo) -> int:
        return int(info.context.services.lease.total_seconds())

    @strawberry.field(description="Where a stream that begins now goes on from.")
    async def cursor(parent: strawberry.Parent[PracticeRow]) -> str:
        bounds = await feed_bounds(parent.practice_id)
        return event_cursor(parent.practice_id, bounds.last)


@strawberry.type(description="The holder of the key, and what the key may do.")
class Viewer:
    @strawberry.field(
        description="Stands for who you are and what you may do. Sent as the header"
        " X-Callboard-Viewer it keeps a request from being carried out as somebody else."
    )
    def id(parent: strawberry.Parent[ViewerRow]) -> strawberry.ID:
        return viewer_id(parent)

    @strawberry.field(graphql_type=Staff, description="Who is named for what is done with the key.")
    def staff(parent: strawberry.Parent[ViewerRow]) -> StaffRow:
        return StaffRow(parent.staff_id, parent.practice_id, parent.name)

    name: str
    role: Role
    may_read_notes: bool
    may_log_contacts: bool
    may_create_tasks: bool
    may_edit_patients: bool = strawberry.field(description="Whether it may make and change them.")
    may_set_contact_status: bool = strawberry.field(
        description="Whether it may say that a patient is not to be called."
    )
    may_lift_contact_status: bool = strawberry.field(
        description="Whether it may say that a patient may be called again."
    )
    may_merge_patients: bool = strawberry.field(
        description="Whether it may merge patients, which needs a key for all queues."
    )
    may_import: bool
    may_read_activity: bool
    may_export: bool = strawberry.field(description="Whether lists and reports may be downloaded.")
    may_read_audit: bool
    may_move_tasks: bool = strawberry.field(
        description="Whether the key may reassign and withdraw tasks, and say how urgent they are."
    )
    may_release_for_others: bool = strawberry.field(
        description="Whether the key may release the claims of others."
    )
    may_correct: bool = strawberry.field(
        description="Whether the key may undo contacts that others have logged, and reopen tasks."
    )
    may_see_who_works: bool = strawberry.field(
        description="Whether the key is shown who of the staff did what, and who is calling."
    )
    may_manage_access: bool = strawberry.field(
        description="Whether the key may see to people and keys."
    )
    may_set_up: bool = strawberry.field(
        description="Whether the key may change the practice and its queues."
    )
    expires_at: datetime | None

    @strawberry.field(
        graphql_type=list[Session],
        description="Where you are signed in to the dashboard, the latest sign-in first.",
    )
    async def sessions(parent: strawberry.Parent[ViewerRow], info: Info) -> list[SessionRow]:
        services = info.context.services
        return await sessions_of(parent, services.clock(), services.idle)

    @strawberry.field(
        description="When you signed in to the dashboard the last time before this session; null if"
        " you never did."
    )
    async def last_sign_in(parent: strawberry.Parent[ViewerRow]) -> datetime | None:
        return await last_sign_in(parent)

    @strawberry.field(
        graphql_type=list[Passkey] | None,
        description="The passkeys that you can sign in with; null for a key, and for who has signed"
        " in with one.",
    )
    async def passkeys(parent: strawberry.Parent[ViewerRow]) -> list[PasskeyRow] | None:
        if await person_behind(parent) is None:
            return None
        return await passkeys_of(parent.practice_id, parent.staff_id)

    @strawberry.field(graphql_type=Practice)
    async def practice(parent: strawberry.Parent[ViewerRow]) -> PracticeRow:
        return await find_practice(parent.practice_id)

    @strawberry.field(
        graphql_type=PracticeGroup | None,
        description="The practices that you supervise and may switch between, at home and while you"
        " visit one; null if you supervise no group.",
    )
    async def group(parent: strawberry.Parent[ViewerRow]) -> GroupSource | None:
        practices = await practices_of_group(parent)
        return GroupSource(practices) if practices else None

    @strawberry.field(graphql_type=list[Queue], description="The queues that the key allows.")
    async def queues(parent: strawberry.Parent[ViewerRow]) -> list[QueueRow]:
        return await visible_queues(parent)

    @strawberry.field(
        graphql_type=list[Task], description="The tasks that the viewer has claimed, by their end."
    )
    async def claimed(parent: strawberry.Parent[ViewerRow], info: Info) -> list[TaskRow]:
        tasks = await claimed_tasks(parent, info.context.services.clock())
        info.context.loaders.saw(tasks)
        return tasks


@strawberry.type
class Queries:
    @strawberry.field(graphql_type=Viewer, description="The holder of the key.")
    def viewer(self, info: Info) -> ViewerRow:
        return info.context.viewer


def viewer_id(viewer: ViewerRow) -> strawberry.ID:
    """A digest of who the viewer is and what they may do: the same for all keys and sessions."""
    queues = None if viewer.queue_ids is None else sorted(viewer.queue_ids)
    same = [viewer.practice_id, viewer.staff_id, viewer.role, queues, viewer.may_create_tasks]
    return strawberry.ID(hashlib.sha256(orjson.dumps(same)).hexdigest()[:32])

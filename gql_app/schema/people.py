"""People and what they may do, for admins: `staff`, `inviteStaff`, `updateStaff`, `retireStaff` and
their like. `assignees` is for supervisors: to whom tasks may be given."""

from datetime import datetime
from typing import Annotated, NamedTuple

import strawberry

from gql_app.access.signin import SignedIn
from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.connections import After, Connection, PageInfo, PageSize, id_cursor
from gql_app.schema.context import Info
from gql_app.schema.enums import Role, StaffState
from gql_app.schema.ids import GlobalId, global_id, read_id_of, read_ids_of
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.schema.queues import Queue, queues_shown
from gql_app.schema.staff import Staff
from gql_app.work.inviting import NewStaff, invite_staff, renew_invite, restore_staff
from gql_app.work.persons import StaffResult
from gql_app.work.reads import staff as read
from gql_app.work.reads.history import StaffRow
from gql_app.work.reads.queues import QueueRow
from gql_app.work.reads.staff import Member
from gql_app.work.staff import StaffUpdate, retire_staff, update_staff

IncludeRetired = Annotated[bool, strawberry.argument(description="Also those who are retired.")]
_EMAIL = "By it the practice's identity provider may know them."


@strawberry.type(description="A person who was invited, and what they may do.")
class StaffMember:
    @strawberry.field(description="The id that `Staff` has for them everywhere else.")
    def id(parent: strawberry.Parent[Member]) -> strawberry.ID:
        return global_id("Staff", parent.id)

    name: str = strawberry.field(description="What people call them.")
    email: str | None = strawberry.field(description=_EMAIL)
    role: Role = strawberry.field(description="What they may do.")
    state: StaffState = strawberry.field(description="Whether they can sign in.")
    retired_at: datetime | None = strawberry.field(description="When they were retired.")
    invited_until: datetime | None = strawberry.field(
        description="When their link ends, or has ended. Null if it was used."
    )
    signed_in_at: datetime | None = strawberry.field(
        description="When they signed in last. Null if they never did."
    )
    passkeys: int = strawberry.field(description="How many passkeys they have.")
    claimed: int = strawberry.field(
        description="How many open tasks they hold now, because they are calling the patients."
    )
    assigned: int = strawberry.field(description="How many open tasks are given to them.")

    @strawberry.field(
        graphql_type=list[Queue] | None,
        description="The queues that they see. Null if they see all of them.",
    )
    async def queues(parent: strawberry.Parent[Member], info: Info) -> list[QueueRow] | None:
        return await queues_shown(info, parent.queues)


@strawberry.type(description="A person in a page.")
class StaffEdge:
    node: StaffMember
    cursor: str


@strawberry.type(description="A page of the people of a practice.")
class StaffConnection:
    edges: list[StaffEdge]
    nodes: list[StaffMember]
    page_info: PageInfo


@strawberry.type(description="An invitation. It works once, and is shown only now.")
class Invitation:
    link: str = strawberry.field(
        description="Put your server's address before it. Whoever opens it becomes this person, so"
        " give it to nobody else."
    )
    expires_at: datetime = strawberry.field(description="When it ends if it is not used.")


@strawberry.type(description="What came of a change of a person.")
class StaffPayload:
    staff: StaffMember | None = strawberry.field(
        description="The person as they are now. Null if there is nobody with this id."
    )
    errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="What came of an invitation.")
class InviteStaffPayload:
    staff: StaffMember | None = strawberry.field(
        description="The person as they are now. Null if it was refused."
    )
    invitation: Invitation | None = strawberry.field(
        description="What to send them. Null if it was refused."
    )
    errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A person to be invited.")
class InviteStaffInput:
    name: str = strawberry.field(
        description="What people call them: 1 to 200 characters, unlike anybody else's name."
    )
    role: Role = strawberry.field(description="What they may do. PARTNER is for programs.")
    queue_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The queues that they see; all of them unless it is given."
    )
    email: str | None = strawberry.field(default=None, description=_EMAIL)


@strawberry.input(description="What is to be different. What is left out stays as it is.")
class UpdateStaffInput:
    id: strawberry.ID = strawberry.field(description="Whom it is about.")
    name: str | None = strawberry.field(
        default=None, description="What people call them. What they did shows the new name, too."
    )
    role: Role | None = strawberry.field(
        default=None, description="What they may do. If it is another role their sessions end."
    )
    queue_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The queues that they see; null for all of them. If it is another choice their"
        " sessions end, and their tasks in other queues become everybody's again.",
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_EMAIL} Null takes it away."
    )


class _InvitationRow(NamedTuple):
    link: str
    expires_at: datetime

    @classmethod
    def of(cls, invitation: SignedIn | None) -> "_InvitationRow | None":
        if invitation is None:
            return None
        return cls(f"/#invite={invitation.token}", invitation.expires_at)


class _Payload:
    """The source of both payloads."""

    def __init__(self, info: Info, result: StaffResult, *under: str) -> None:
        self.staff = result.member
        self.invitation = _InvitationRow.of(result.invitation)
        self.errors: list[ErrorRow] = [error_row(refusal, *under) for refusal in result.refusals]
        if result.refusals:
            info.context.note_refusal(result.refusals[0].code)


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=StaffConnection,
        description="For admins: the people of the practice, those first who were known first.",
    )
    async def staff(
        self,
        info: Info,
        first: PageSize = 50,
        after: After = None,
        include_retired: IncludeRetired = False,
    ) -> Connection[Member]:
        now = info.context.services.clock()
        page = await read.members_page(
            info.context.viewer, first, after, now, include_retired=include_retired
        )
        return Connection(page, id_cursor)

    @strawberry.field(
        graphql_type=list[Staff],
        description="For supervisors: to whom `reassignTasks` may give tasks, by name.",
        metadata={MOST_ROWS: read.MOST_ASSIGNEES},
    )
    async def assignees(self, info: Info) -> list[StaffRow]:
        return await read.assignees(info.context.viewer, info.context.services.clock())


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=InviteStaffPayload,
        description="For admins: invite a person. The link lets them make a passkey, once, within"
        " seven days.",
    )
    async def invite_staff(self, info: Info, input: InviteStaffInput) -> _Payload:
        queue_ids = read_ids_of("Queue", input.queue_ids)
        new = NewStaff(input.name, input.role, queue_ids, input.email or None)
        return _Payload(info, await info.context.make(invite_staff, new), "input")

    @strawberry.mutation(
        graphql_type=InviteStaffPayload,
        description="For admins: another link for somebody who has lost theirs, or their device."
        " Links before it end; their passkeys stay.",
    )
    async def renew_invite(self, info: Info, id: GlobalId) -> _Payload:
        return _Payload(info, await info.context.make(renew_invite, read_id_of("Staff", id)))

    @strawberry.mutation(
        graphql_type=StaffPayload,
        description="For admins: change a person's name, role, queues or address.",
    )
    async def update_staff(self, info: Info, input: UpdateStaffInput) -> _Payload:
        number = read_id_of("Staff", input.id)
        result = await update_staff(info.context.make, number, _update(input))
        return _Payload(info, result, "input")

    @strawberry.mutation(
        graphql_type=StaffPayload,
        description="For admins: end what a person may do, at once, with their sessions, keys and"
        " passkeys. Their claims end and their tasks become everybody's again. What they did keeps"
        " their name. If the request fails half-way, send it again.",
    )
    async def retire_staff(self, info: Info, id: GlobalId) -> _Payload:
        number = read_id_of("Staff", id)
        return _Payload(info, await retire_staff(info.context.make, number))

    @strawberry.mutation(
        graphql_type=InviteStaffPayload,
        description="For admins: bring back somebody who was retired, with the role and the queues"
        " that they had.",
    )
    async def restore_staff(self, info: Info, id: GlobalId) -> _Payload:
        return _Payload(info, await info.context.make(restore_staff, read_id_of("Staff", id)))


def _update(input: UpdateStaffInput) -> StaffUpdate:
    to = StaffUpdate(input.name, input.role)
    if input.queue_ids is None:
        to = to._replace(all_queues=True)
    elif input.queue_ids is not strawberry.UNSET:
        to = to._replace(queue_ids=read_ids_of("Queue", input.queue_ids))
    if input.email is not strawberry.UNSET:
        to = to._replace(email=input.email or "")
    return to

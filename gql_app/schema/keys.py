"""Keys, for admins: `keys`, `createKey`, `rotateKey` and `revokeKey`."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from gql_app.schema.connections import After, Connection, PageInfo, PageSize, id_cursor
from gql_app.schema.context import Info
from gql_app.schema.enums import KeyState, Role
from gql_app.schema.ids import GlobalId, global_id, read_id_of, read_ids_of
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.schema.queues import Queue, queues_shown
from gql_app.work import keys
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.keys import KeyRow, keys_page
from gql_app.work.reads.queues import QueueRow

MOST_DAYS = 366

OverlapDays = Annotated[
    int,
    strawberry.argument(
        description="For how many days the old key stays valid, 0 to 366. With 0 it ends at once."
    ),
]


@strawberry.type(
    description="A key, by which a program or a person comes in. Its secret is kept nowhere."
)
class Key:
    @strawberry.field(description="Its global id.")
    def id(parent: strawberry.Parent[KeyRow]) -> strawberry.ID:
        return global_id("Key", parent.id)

    @strawberry.field(description="Its number, as the audit and the command line call it.")
    def number(parent: strawberry.Parent[KeyRow]) -> strawberry.ID:
        return strawberry.ID(str(parent.id))

    name: str = strawberry.field(description="Who acts through it.")

    @strawberry.field(description="What it may do.")
    def role(parent: strawberry.Parent[KeyRow]) -> Role:
        return Role(parent.role)

    may_create_tasks: bool = strawberry.field(
        description="Whether it may create tasks, if its role is PARTNER."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(
        description="When it ends, or has ended. Null if it has no end."
    )
    revoked_at: datetime | None = strawberry.field(description="When somebody has ended it.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was used last, right to about a minute. Null if it never was."
    )

    @strawberry.field(description="Whether it lets anybody in.")
    def state(parent: strawberry.Parent[KeyRow], info: Info) -> KeyState:
        return parent.state(info.context.services.clock())

    @strawberry.field(
        graphql_type=list[Queue] | None,
        description="The queues that it is limited to. Null if it is for all of them.",
    )
    async def queues(parent: strawberry.Parent[KeyRow], info: Info) -> list[QueueRow] | None:
        return await queues_shown(info, parent.queues)


@strawberry.type(description="A key in a page.")
class KeyEdge:
    node: Key
    cursor: str


@strawberry.type(description="A page of the keys of a practice.")
class KeyConnection:
    edges: list[KeyEdge]
    nodes: list[Key]
    page_info: PageInfo


@strawberry.type(description="What came of a change of a key.")
class KeyPayload:
    key: Key | None = strawberry.field(
        description="The key as it is now. Null if there is none with this id."
    )
    errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="A new key, if one was made.")
class NewKeyPayload:
    key: Key | None = strawberry.field(
        description="The new key; if a rotation was refused, the old one."
    )
    secret: str | None = strawberry.field(
        description="The key itself, for `Authorization: Bearer`. It is shown only now."
    )
    errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A key to be made.")
class CreateKeyInput:
    name: str = strawberry.field(
        description="Who acts through it, 1 to 200 characters. Keys may have the same name."
    )
    role: Role = strawberry.field(description="What it may do.")
    queue_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The queues that it is limited to; all unless it is given."
    )
    may_create_tasks: bool = strawberry.field(
        default=False, description="Whether a PARTNER may create tasks by it."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends. It has no end unless it is given."
    )


class _Payload:
    """The source of both payloads."""

    def __init__(self, info: Info, result: keys.KeyResult, *under: str) -> None:
        self.key = result.key
        self.secret = result.secret
        self.errors: list[ErrorRow] = [error_row(refusal, *under) for refusal in result.refusals]
        if result.refusals:
            info.context.note_refusal(result.refusals[0].code)


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=KeyConnection,
        description="For admins: the keys of the practice, the newest first, also those that have"
        " ended.",
    )
    async def keys(
        self, info: Info, first: PageSize = 50, after: After = None
    ) -> Connection[KeyRow]:
        return Connection(await keys_page(info.context.viewer, first, after), id_cursor)


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=NewKeyPayload, description="For admins: make a key. It is shown once."
    )
    async def create_key(self, info: Info, input: CreateKeyInput) -> _Payload:
        new = keys.NewKey(
            input.name,
            input.role,
            read_ids_of("Queue", input.queue_ids),
            may_create_tasks=input.may_create_tasks,
            expires_at=input.expires_at,
        )
        return _Payload(info, await info.context.make(keys.create_key, new), "input")

    @strawberry.mutation(
        graphql_type=NewKeyPayload,
        description="For admins: make a key with the same rights, in place of one that ends after"
        " the overlap.",
    )
    async def rotate_key(
        self, info: Info, id: GlobalId, overlap_days: OverlapDays = keys.OVERLAP.days
    ) -> _Payload:
        if not 0 <= overlap_days <= MOST_DAYS:
            raise BadInput(f"overlapDays is a number from 0 to {MOST_DAYS}.")
        overlap = timedelta(days=overlap_days)
        number = read_id_of("Key", id)
        return _Payload(info, await info.context.make(keys.rotate_key, number, overlap))

    @strawberry.mutation(
        graphql_type=KeyPayload,
        description="For admins: end a key at once, with the sessions that it began.",
    )
    async def revoke_key(self, info: Info, id: GlobalId) -> _Payload:
        return _Payload(info, await info.context.make(keys.revoke_key, read_id_of("Key", id)))

"""The viewer's own account: sessions and passkeys, `endSession` and `removePasskey`."""

from datetime import datetime

import strawberry

from gql_app.access.signin import SessionRow, end_own_session
from gql_app.schema.context import Info
from gql_app.schema.ids import GlobalId, global_id, read_id_of
from gql_app.schema.payloads import UserError, error_row
from gql_app.work.accounts import remove_passkey
from models.passkey import PasskeyRow
from models.refusals import Refusal, RefusalCode

NO_SESSION = Refusal(RefusalCode.NOT_FOUND, "You have no such session.", "id")


@strawberry.type(description="A sign-in to the dashboard that goes on.")
class Session:
    @strawberry.field
    def id(parent: strawberry.Parent[SessionRow]) -> strawberry.ID:
        return global_id("Session", parent.id)

    @strawberry.field(description='On which device, such as "Firefox on Windows".')
    def device(parent: strawberry.Parent[SessionRow]) -> str | None:
        return parent.device

    @strawberry.field
    def started_at(parent: strawberry.Parent[SessionRow]) -> datetime:
        return parent.created_at

    @strawberry.field(description="When you last did something there, right to about a minute.")
    def last_used_at(parent: strawberry.Parent[SessionRow]) -> datetime:
        return parent.active_at

    @strawberry.field(description="When it ends at the latest.")
    def expires_at(parent: strawberry.Parent[SessionRow]) -> datetime:
        return parent.expires_at

    @strawberry.field(description="Whether this request comes from it.")
    def current(parent: strawberry.Parent[SessionRow], info: Info) -> bool:
        return parent.id == info.context.viewer.key_id


@strawberry.type(description="A passkey that you can sign in with.")
class Passkey:
    @strawberry.field
    def id(parent: strawberry.Parent[PasskeyRow]) -> strawberry.ID:
        return global_id("Passkey", parent.id)

    @strawberry.field(description="On which device it was made.")
    def device(parent: strawberry.Parent[PasskeyRow]) -> str:
        return parent.label

    @strawberry.field
    def created_at(parent: strawberry.Parent[PasskeyRow]) -> datetime:
        return parent.created_at

    @strawberry.field(description="Null if it was not used since it was made.")
    def last_used_at(parent: strawberry.Parent[PasskeyRow]) -> datetime | None:
        return parent.last_used_at


@strawberry.type
class AccountPayload:
    errors: list[UserError]


class _Payload:
    """The source of an `AccountPayload`."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.errors = [error_row(refusal) for refusal in refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=AccountPayload,
        description="End one of your own sessions, on this device or another.",
    )
    async def end_session(self, info: Info, id: GlobalId) -> _Payload:
        viewer, row_id = info.context.viewer, read_id_of("Session", id)
        is_ended = await info.context.make(end_own_session, viewer, row_id)
        return _Payload(() if is_ended else (NO_SESSION,))

    @strawberry.mutation(
        graphql_type=AccountPayload,
        description="Remove one of your own passkeys. Sessions that it began go on.",
    )
    async def remove_passkey(self, info: Info, id: GlobalId) -> _Payload:
        viewer, row_id = info.context.viewer, read_id_of("Passkey", id)
        return _Payload(await info.context.make(remove_passkey, viewer, row_id))

"""The streams that clients follow: each executed alone, or once for all who ask the same."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing, asynccontextmanager
from functools import partial

from gql_app.access import Origin, Scope, Viewer
from gql_app.delivery.follows import Follows
from gql_app.delivery.group import Group
from gql_app.delivery.groups import Groups
from gql_app.delivery.members import Life, Member, catch_up, follow
from gql_app.delivery.operations import Operations
from gql_app.delivery.results import Listener, ResultBatch, Results, failure
from gql_app.delivery.shared import SharedRequest, cursor_apart, name_of
from gql_app.execution.memory import Schema
from gql_app.execution.request import GraphQLRequest
from gql_app.execution.sharing import Shapes, Shareable, shared_fields
from gql_app.live.feeds import last_position
from gql_app.schema.context import Services, SharedContext
from gql_app.schema.errors import ERROR_CODES
from gql_app.schema.items import Start
from gql_app.work.access_log import Access
from gql_app.work.reads.cursors import read_event_cursor
from models.audit import AuditAction
from models.chain import Position


class Streams:
    """Runs operations: each by itself, or one for all who watch the same."""

    def __init__(self, schema: Schema, services: Services, groups: Groups) -> None:
        self._operations = Operations(schema, services)
        self._schema = schema
        self._services = services
        self._log = services.access_log
        self._groups = groups
        self._shapes = Shapes(shared_fields(schema))
        self._follows = Follows()

    async def run(
        self,
        viewer: Viewer,
        request: GraphQLRequest,
        resume_after: str | None = None,
        listener: Listener | None = None,
        address: str | None = None,
    ) -> Results:
        """The results of an operation that came from `address`, but for those that the `listener`
        takes. `resume_after` is a cursor that stands in for the request's own. If the operation as
        a whole fails, the last result says why."""
        try:
            access = self._access(viewer, request, address)
            results, stream = self._results(viewer, request, resume_after, listener, access)
            async with aclosing(results):
                with self._follows.following(viewer.key_id, stream):
                    async for result in results:
                        if result.patients:
                            self._log.check(viewer.practice_id)
                            self._log.note(access, result.patients)
                        yield result
        except Exception as error:
            yield failure(ERROR_CODES.request_error(error))

    def _access(self, viewer: Viewer, request: GraphQLRequest, address: str | None) -> Access:
        """Who is sent what the request asks for."""
        outline = self._schema.outline(request.query, request.operation_name)
        has_notes = outline.is_sensitive and viewer.may_read_notes
        origin = Origin(outline.name, address)
        return Access.by(viewer, origin, AuditAction.DELIVERY, notes=has_notes)

    def _noting(self, listener: Listener, access: Access) -> Listener:
        """The listener, whose batches are recorded as it takes them."""

        def take(batch: ResultBatch) -> bool:
            if not listener(batch):
                return False
            self._log.note(access, {p for result in batch.results for p in result.patients})
            return True

        return take

    def _results(
        self,
        viewer: Viewer,
        request: GraphQLRequest,
        resume_after: str | None,
        listener: Listener | None,
        access: Access,
    ) -> tuple[Results, Hashable]:
        """The results of an operation, and what they are counted as among those that the key
        follows; None for what is no subscription."""
        shape, is_live = self._shapes.find(request.query, request.operation_name)
        if shape is None:
            start = None if resume_after is None else Start(cursor=resume_after)
            alone = self._operations.alone(viewer, request, start, access.address)
            return alone, object() if is_live else None
        apart = cursor_apart(request, shape, resume_after)
        if apart is None:
            return self._operations.alone(viewer, request, address=access.address), object()
        scope = viewer.scope
        after = None
        if apart.cursor is not None:
            after = read_event_cursor(scope.practice_id, apart.cursor)
        results = self._share(scope, apart.request, shape, after, listener, access)
        return results, name_of(apart.request)

    async def _share(
        self,
        scope: Scope,
        request: GraphQLRequest,
        shape: Shareable,
        after: Position | None,
        listener: Listener | None,
        access: Access,
    ) -> Results:
        """The results of a request that can be shared and has no cursor, from `after` on."""
        practice_id, feeds = scope.practice_id, self._services.feeds
        shared = SharedRequest(scope, request, shape.shared.begins_with_state)
        here = partial(last_position, practice_id)
        while True:
            shared = shared._replace(history=feeds.history(practice_id))
            async with self._groups.join(shared.key, here, partial(self._stream, shared)) as group:
                if after is not None:
                    await feeds.check(practice_id, after)
                    if feeds.history(practice_id) != shared.history:
                        continue  # the group's history is over, but not the cursor's
                member = Member(group.head if after is None else after, access)
                results = self._follow(shared, group, member, after, listener)
                try:
                    async with aclosing(results):
                        async for result in results:
                            yield result
                            if result.last:
                                return
                finally:
                    member.enter(Life.GONE)

    async def _follow(
        self,
        shared: SharedRequest,
        group: Group,
        member: Member,
        after: Position | None,
        listener: Listener | None,
    ) -> Results:
        """The results for a member that has been told all up to `after`, in the order of its life:
        see `members`."""
        taking = None if listener is None else self._noting(listener, member.access)
        while True:
            by_replay = after is not None and self._replays_state(shared, group, member)
            if shared.begins_with_state and not by_replay:
                async with aclosing(self._state(shared, member, after)) as state:
                    async for result in state:
                        yield result
                await group.begun()
                member.as_of = member.as_of or group.as_of  # of no queue at all, no state was told
            if by_replay or not member.join(group):
                async with (
                    self._replay(shared, member, with_state=by_replay) as replay,
                    aclosing(catch_up(replay, group, member, taking)) as past,
                ):
                    async for result in past:
                        yield result
            if member.join(group):
                async with aclosing(follow(group, member, listener)) as results:
                    async for result in results:
                        yield result
            after = member.position
            member.enter(Life.BEGINNING)

    def _replays_state(self, shared: SharedRequest, group: Group, member: Member) -> bool:
        """Whether the member is told the state at its cursor by a replay, with others who come back
        to the same cursor. Not if a replay is under way that began earlier: it costs less to be
        told the state alone and go on with that replay than to begin another one."""
        if not shared.begins_with_state or member.position.seq >= group.floor.seq:
            return False
        replays = self._groups.replays(shared.key)
        return any(replay.begins_at(member.position) for replay in replays) or not any(
            replay.floor.seq < member.position.seq for replay in replays
        )

    @asynccontextmanager
    async def _replay(
        self, shared: SharedRequest, member: Member, *, with_state: bool
    ) -> AsyncGenerator[Group, None]:
        """A replay that tells of the past from where the member is, and that it has joined."""

        def fits(replay: Group) -> bool:
            if with_state:
                return replay.begins_at(member.position)
            return replay.can_lead_from(member.position, member.as_of)

        stream = partial(self._stream, shared)
        async with self._groups.replay(shared.key, member.position, fits, stream) as replay:
            if with_state:
                member.begin()
            else:
                if shared.begins_with_state:
                    await replay.begun()
                member.join(replay)
            yield replay

    async def _state(
        self, shared: SharedRequest, member: Member, after: Position | None
    ) -> Results:
        """How things stand at `after`, or now, executed for one member alone."""
        member.as_of = None
        start = Start(after, state_only=True)
        async with aclosing(self._executed(shared, start)) as results:
            async for result in results:
                if result.position is not None:
                    member.position, member.as_of = result.position, result.as_of
                yield result

    def _stream(self, shared: SharedRequest, position: Position) -> Results:
        """The stream of a group that begins after the event at a position."""
        return self._executed(shared, Start(position))

    def _executed(self, shared: SharedRequest, start: Start) -> Results:
        context = SharedContext(shared.scope, self._services)
        return self._operations.results(context, shared.request, start)

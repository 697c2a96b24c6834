"""The results of an operation, encoded, for whichever transport sends them.

Subscriptions that many send alike are executed and encoded once for all of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import orjson

from gql_app.access import Scope, Viewer
from gql_app.delivery.group import Group
from gql_app.delivery.groups import Groups
from gql_app.delivery.members import Member, Results, catch_up, follow
from gql_app.delivery.results import Hear, Result
from gql_app.execution.memory import Schema
from gql_app.execution.request import GraphQLRequest
from gql_app.execution.sharing import Shapes, Shareable, shared_fields
from gql_app.live.feeds import last_position
from gql_app.schema import ERROR_CODES, has_failed, shown
from gql_app.schema.context import Context, Services, SharedContext
from gql_app.schema.repeating import PAUSES
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import event_cursor, read_event_cursor
from gql_app.work.reads.queues import visible_queues
from models.chain import Position


class _Key(NamedTuple):
    """All that the results of a shared execution hang on: nothing else is handed to it."""

    scope: Scope
    query: str
    operation_name: str | None
    variables: str
    queues: tuple[int, ...]
    history: int

    @classmethod
    def of(
        cls, scope: Scope, request: GraphQLRequest, queues: list[int] | None, history: int
    ) -> "_Key":
        try:
            # Decoded, because orjson leaves each of its results in a block of four kilobytes.
            variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS).decode()
        except orjson.JSONEncodeError:
            raise BadInput("The variables are nested too deeply.") from None
        return cls(
            scope, request.query, request.operation_name, variables, tuple(queues or ()), history
        )


class _Shared(NamedTuple):
    """A request that many send alike, without its cursor. A feed is of the `queues` that there were
    when it began, for as long as it lasts. `history` is the practice's of `Feeds.history`: what is
    told of one that is over is not shared with those who come later."""

    scope: Scope
    request: GraphQLRequest
    queues: list[int] | None
    is_feed: bool
    history: int = 0

    @classmethod
    async def of(cls, scope: Scope, request: GraphQLRequest, shape: Shareable) -> "_Shared":
        is_feed = shape.shared.begins_with_state
        queues = [queue.id for queue in await visible_queues(scope)] if is_feed else None
        return cls(scope, request, queues, is_feed)

    @property
    def key(self) -> _Key:
        return _Key.of(self.scope, self.request, self.queues, self.history)


class Streams:
    """Runs operations: each by itself, or one for all who watch the same."""

    def __init__(self, schema: Schema, services: Services, groups: Groups) -> None:
        self._schema = schema
        self._services = services
        self._groups = groups
        self._shapes = Shapes(shared_fields(schema))

    async def run(
        self,
        viewer: Viewer,
        request: GraphQLRequest,
        resume_after: str | None = None,
        hear: Hear | None = None,
    ) -> Results:
        """The results of the operation, but for those that `hear` takes. A failure of the whole of
        it is the last one, a list of errors; `resume_after` is a cursor that stands in for that of
        the request."""
        shape = self._shapes.find(request.query, request.operation_name)
        if shape is not None:
            variables = dict(request.variables or {})
            own = variables.pop(shape.cursor_variable, None) if shape.cursor_variable else None
            cursor = resume_after or own
            is_missing = shape.cursor_required and own is None
            if shape.cursor_variable and shape.cursor_required:
                variables[shape.cursor_variable] = ""  # each place is told in its own way
            # If something is wrong with the cursor, let the schema say what.
            if isinstance(cursor, str | None) and not is_missing:
                shared = GraphQLRequest(request.query, variables, request.operation_name)
                results = self._share(viewer.scope, shared, shape, cursor, hear)
            else:
                results = self._execute(Context(viewer, self._services), request)
        else:
            results = self._execute(Context(viewer, self._services), request, resume_after)
        try:
            async with aclosing(results):
                async for result in results:
                    yield result
        except Exception as error:
            yield _failure(ERROR_CODES.request_error(error))

    async def _execute(
        self,
        context: SharedContext,
        request: GraphQLRequest,
        resume_after: str | None = None,
        enough: Callable[[Position, date | None], bool] | None = None,
        queues: list[int] | None = None,
    ) -> Results:
        context.resume_after = resume_after
        context.queues = queues
        if enough is not None:
            context.enough = enough
        stream = await self._schema.stream(
            request.query,
            variable_values=request.variables,
            context_value=context,
            operation_name=request.operation_name,
        )
        errors: list[dict[str, Any]] = []
        async with aclosing(stream):
            async for executed in stream:
                payload = shown(executed, whole=context.whole)  # type: ignore[arg-type]  # no @defer
                errors = payload.get("errors", [])
                is_event = context.position is not None
                if is_event and has_failed(errors) and context.failures < len(PAUSES):
                    context.failures += 1  # it is told again
                    continue
                if errors and (payload.get("data") is None or context.failures):
                    break
                context.failures, errors = 0, []
                yield Result(
                    context.position,
                    orjson.dumps(payload).decode(),
                    context.day,
                    context.of_the_clock,
                    context.more,
                )
        if errors:
            yield _failure(*errors)

    async def _share(
        self,
        scope: Scope,
        request: GraphQLRequest,
        shape: Shareable,
        cursor: str | None,
        hear: Hear | None,
    ) -> Results:
        """The results of a request without its cursor that can be shared, from `cursor` on."""
        practice_id = scope.practice_id
        after = None if cursor is None else read_event_cursor(practice_id, cursor)
        shared = await _Shared.of(scope, request, shape)
        here = partial(last_position, practice_id)

        while True:
            shared = shared._replace(history=self._services.feeds.history(practice_id))
            async with self._groups.join(shared.key, here, partial(self._stream, shared)) as group:
                member = Member(group.head if after is None else after)
                if after is not None:
                    await self._services.feeds.check(practice_id, after)
                    if self._services.feeds.history(practice_id) != shared.history:
                        continue  # the group's is over, but not the cursor's
                async with aclosing(self._follow(shared, group, member, cursor, hear)) as results:
                    async for result in results:
                        yield result
                        if result.last:
                            return

    async def _follow(
        self, shared: _Shared, group: Group, member: Member, cursor: str | None, hear: Hear | None
    ) -> Results:
        """What a member is told: by the group, and before that, and each time that it falls behind,
        of the past."""
        while True:
            is_whole = cursor is not None and self._is_whole(shared, group, member)
            if shared.is_feed and not is_whole:
                async with aclosing(self._begin(shared, member, cursor)) as begin:
                    async for result in begin:
                        yield result
                await group.begun()
            if is_whole or not member.join(group):
                async with (
                    self._replay(shared, member, is_whole=is_whole) as replay,
                    aclosing(catch_up(replay, group, member, hear)) as past,
                ):
                    async for result in past:
                        yield result
            if member.join(group):
                async with aclosing(follow(group, member, hear)) as results:
                    async for result in results:
                        yield result
            cursor = event_cursor(shared.scope.practice_id, member.position)

    def _is_whole(self, shared: _Shared, group: Group, member: Member) -> bool:
        """Whether a replay tells a feed's member all, the counts at its cursor too, which others at
        the same cursor want as well. Not where one is under way that began earlier: to have the
        counts alone and go on with it takes less than another replay."""
        if not shared.is_feed or member.position.seq >= group.floor.seq:
            return False
        replays = self._groups.replays(shared.key)
        return any(replay.begins_at(member.position) for replay in replays) or not any(
            replay.floor.seq < member.position.seq for replay in replays
        )

    @asynccontextmanager
    async def _replay(
        self, shared: _Shared, member: Member, *, is_whole: bool
    ) -> AsyncGenerator[Group, None]:
        """A group that tells of the past from where the member is, which stands in it then."""

        def fits(replay: Group) -> bool:
            if is_whole:
                return replay.begins_at(member.position)
            return replay.can_lead_from(member.position, member.day)

        stream = partial(self._stream, shared)
        async with self._groups.replay(shared.key, member.position, fits, stream) as replay:
            if is_whole:
                member.begin()
            else:
                if shared.is_feed:
                    await replay.begun()
                member.join(replay)
            yield replay

    def _stream(self, shared: _Shared, start: Position) -> Results:
        """The stream of a group that begins after `start`."""
        context = SharedContext(shared.scope, self._services)
        begin = event_cursor(shared.scope.practice_id, start)
        return self._guarded(self._execute(context, shared.request, begin, queues=shared.queues))

    async def _begin(self, shared: _Shared, member: Member, after: str | None) -> Results:
        """What a stream begins with, executed for one member alone."""

        def begun(position: Position, day: date | None) -> bool:
            member.position, member.day = position, day
            return True

        context = SharedContext(shared.scope, self._services)
        begin = self._execute(context, shared.request, after, begun, shared.queues)
        async with aclosing(begin) as results:
            async for result in results:
                yield result

    async def _guarded(self, results: Results) -> Results:
        """A group's stream, which ends with what has gone wrong instead of raising it."""
        try:
            async with aclosing(results):
                async for result in results:
                    yield result
        except asyncio.CancelledError:
            raise
        except Exception as error:
            yield _failure(ERROR_CODES.request_error(error))


def _failure(*errors: dict[str, Any]) -> Result:
    return Result(None, orjson.dumps(errors).decode(), last=True)

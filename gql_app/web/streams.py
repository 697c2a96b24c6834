"""The results of an operation, encoded, for whichever transport sends them.

Subscriptions that many send alike are executed and encoded once for all of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import orjson

from gql_app.access import Scope, Viewer
from gql_app.execution.memory import Schema
from gql_app.execution.sharing import Shapes, Shareable
from gql_app.live.groups import Group, Groups, Hear, Result
from gql_app.schema import ERROR_CODES, shown
from gql_app.schema.context import Context, Services, SharedContext
from gql_app.web.requests import GraphQLRequest
from gql_app.work.cursors import event_cursor, read_event_cursor
from gql_app.work.queues import visible_queues
from models.chain import Position
from models.event import feed_bounds

Results = AsyncGenerator[Result, None]


class _Key(NamedTuple):
    """All that the results of a shared execution hang on: nothing else is handed to it."""

    scope: Scope
    query: str
    operation_name: str | None
    variables: str
    queues: tuple[int, ...]

    @classmethod
    def of(cls, scope: Scope, request: GraphQLRequest, queues: list[int] | None) -> "_Key":
        # Decoded, because orjson leaves each of its results in a block of four kilobytes.
        variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS).decode()
        return cls(scope, request.query, request.operation_name, variables, tuple(queues or ()))


@dataclass
class _Place:
    """How far a member has come: all up to `position`, as it is on `day`; and its place in the
    group, once it has joined at event `joined`."""

    position: Position
    day: date | None = None
    joined: int = 0
    in_group: int | None = None

    def join(self, group: Group) -> bool:
        self.in_group = group.place_after(self.position, self.day)
        self.joined = self.position.seq
        return self.in_group is not None


class Streams:
    """Runs operations: each by itself, or one for all who watch the same."""

    def __init__(self, schema: Schema, services: Services, groups: Groups) -> None:
        self._schema = schema
        self._services = services
        self._groups = groups
        self._shapes = Shapes()

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
        async with aclosing(stream):
            async for executed in stream:
                payload = shown(executed)  # type: ignore[arg-type]  # no @defer in this schema
                if payload["data"] is None and "errors" in payload:
                    yield _failure(*payload["errors"])
                    return
                yield Result(
                    context.position,
                    orjson.dumps(payload).decode(),
                    context.day,
                    context.of_the_clock,
                    context.more,
                )

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
        queues = await _queues_of_feed(scope, shape)

        async def here() -> Position:
            return (await feed_bounds(practice_id)).last

        def stream(start: Position) -> Results:
            begin = event_cursor(practice_id, start)
            return self._guarded(self._execute(self._shared(scope), request, begin, queues=queues))

        key = _Key.of(scope, request, queues)
        async with self._groups.join(key, here, stream) as group:
            place = _Place(group.head if after is None else after)
            if after is not None:
                await self._services.feeds.check(practice_id, after)
            alone = shape.field == "queueFeed" or not place.join(group)  # its snapshot is its own
            while True:
                if alone:
                    caught_up = self._catch_up(scope, request, group, place, cursor, queues)
                    async with aclosing(caught_up) as results:
                        async for result in results:
                            yield result
                            if result.last:
                                return
                async with aclosing(_walk(group, place, hear)) as results:
                    async for result in results:
                        yield result
                        if result.last:
                            return
                alone, cursor = True, event_cursor(practice_id, place.position)

    async def _catch_up(
        self,
        scope: Scope,
        request: GraphQLRequest,
        group: Group,
        place: _Place,
        after: str | None,
        queues: list[int] | None,
    ) -> Results:
        """Execute for one member alone, until it has joined the group."""

        def joined(position: Position, day: date | None) -> bool:
            place.position, place.day = position, day
            return place.join(group)

        context = self._shared(scope)
        with self._groups.catching_up():
            async with aclosing(self._execute(context, request, after, joined, queues)) as results:
                async for result in results:
                    yield result

    def _shared(self, scope: Scope) -> SharedContext:
        """What a shared execution reaches: of those it serves, no more than they have in common."""
        return SharedContext(scope, self._services)

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


async def _walk(group: Group, place: _Place, hear: Hear | None) -> Results:
    """What the group tells from `place` on, but for what `hear` takes, until the member has to
    catch up by itself again."""
    while place.in_group is not None:
        if hear is not None and group.head.seq >= place.joined:  # nothing is known already
            abreast = await group.listen(place.in_group, hear)
            if abreast is not None:
                place.in_group, place.position, place.day = abreast
        results = await group.at(place.in_group)
        if results is None:
            return  # some are forgotten: the member was too slow
        for result in results:
            place.in_group += 1
            position = result.position or place.position
            # The group was behind the member when it joined, and is telling what it knows already.
            if position.seq <= place.joined and not result.of_the_clock and not result.last:
                continue
            if position.seq < place.joined:
                return  # a new day at an older event: the counts of both would contradict
            place.position, place.day = position, result.day
            yield result


async def _queues_of_feed(scope: Scope, shape: Shareable) -> list[int] | None:
    """A feed is of the queues that there were when it began, for as long as it lasts."""
    if shape.field != "queueFeed":
        return None
    return [queue.id for queue in await visible_queues(scope)]


def _failure(*errors: dict[str, Any]) -> Result:
    return Result(None, orjson.dumps(errors).decode(), last=True)

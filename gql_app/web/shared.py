"""Subscriptions that many send alike: executed and encoded once for all of them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from gql_app.access import Viewer
from gql_app.execution.sharing import shareable
from gql_app.live.groups import Group, Groups, Result
from gql_app.schema import ERROR_CODES, Schema, shown
from gql_app.schema.context import Context, Services
from gql_app.web.requests import GraphQLRequest
from gql_app.work.cursors import event_cursor, read_event_cursor
from models.event import check_resumable, feed_bounds


class SharedStreams:
    """Runs a subscription once for each document, variables and scope that is being watched."""

    def __init__(self, schema: Schema, services: Services, groups: Groups) -> None:
        self._schema = schema
        self._services = services
        self._groups = groups

    def can_share(self, request: GraphQLRequest) -> bool:
        """Whether `follow` can serve this request."""
        return shareable(request.query, request.operation_name) is not None

    async def follow(
        self, viewer: Viewer, request: GraphQLRequest, resume_after: str | None = None
    ) -> AsyncGenerator[Result, None]:
        """The results of a request that can be shared, encoded, from its own cursor on."""
        shape = shareable(request.query, request.operation_name)
        assert shape is not None
        variables = dict(request.variables or {})
        own = variables.pop(shape.cursor_variable, None) if shape.cursor_variable else None
        cursor = resume_after or own
        if not isinstance(cursor, str | None):  # let the schema say what is wrong with it
            async with aclosing(self._run(viewer, request, None, None)) as results:
                async for result in results:
                    yield result
            return
        shared = GraphQLRequest(request.query, variables, request.operation_name)
        practice_id = viewer.practice_id

        async def here() -> int:
            return (await feed_bounds(practice_id)).seq

        joined = self._groups.join(
            _key(viewer, shared), here, lambda start: self._run(viewer, shared, start, None)
        )
        try:
            position = None if cursor is None else read_event_cursor(practice_id, cursor)
            async with joined as group:
                if position is None:
                    position = group.head
                elif position > group.head:
                    await check_resumable(practice_id, position)
                async with aclosing(self._walk(viewer, shared, group, position)) as results:
                    async for result in results:
                        yield result
        except Exception as error:
            yield _failure(ERROR_CODES.request_error(error))

    async def _walk(
        self, viewer: Viewer, request: GraphQLRequest, group: Group, position: int
    ) -> AsyncGenerator[Result, None]:
        while True:
            results = await group.behind(position)
            if results is None:
                until = group.head
                catch_up = self._run(viewer, request, position, until)
                with self._groups.catching_up():
                    async with aclosing(catch_up) as own:
                        async for result in own:
                            yield result
                            if result.last:
                                return
                            position = result.seq
                position = max(position, until)
                continue
            for result in results:
                yield result
                if result.last:
                    return
                position = result.seq

    async def _run(
        self, viewer: Viewer, request: GraphQLRequest, after: int | None, until: int | None
    ) -> AsyncGenerator[Result, None]:
        """Execute the subscription behind event `after`, up to event `until` if it is given."""
        context = Context(viewer, self._services)
        context.until = until
        if after is not None:
            context.resume_after = event_cursor(viewer.practice_id, after)
        seq = 0
        try:
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
                    assert context.cursor is not None
                    seq = read_event_cursor(viewer.practice_id, context.cursor)
                    yield Result(seq, orjson.dumps(payload).decode())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            yield _failure(ERROR_CODES.request_error(error))


def _failure(*errors: dict[str, Any]) -> Result:
    return Result(0, orjson.dumps(errors).decode(), last=True)


def _key(viewer: Viewer, request: GraphQLRequest) -> tuple[object, ...]:
    """All that the results depend on: the document, its variables, and the viewer's scope."""
    return (
        request.query,
        request.operation_name,
        orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS),
        viewer.practice_id,
        viewer.role,
        viewer.queue_ids,
    )

"""Executes operations and encodes what comes of them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gql_app.access import Viewer
from gql_app.delivery.results import Result, Results, encoded, failure
from gql_app.execution.bounded import Bounded
from gql_app.execution.items import ItemResult
from gql_app.execution.memory import Schema
from gql_app.execution.request import GraphQLRequest
from gql_app.schema.context import Context, Services, SharedContext
from gql_app.schema.errors import FORBIDDEN, RATE_LIMITED, has_failed, shown
from gql_app.schema.feed_types import patients_in
from gql_app.schema.items import Item, Start
from gql_app.work.reads.conditions import BadInput

PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try to show an item. After the last, the stream ends before it."""

COPIES, COPY_ROOM = 50, 3 * 1024 * 1024
"""Encoded answers about the schema: each has some 100 KB."""
REFUSALS = frozenset({FORBIDDEN, RATE_LIMITED})
"""Codes of errors that the audit tells of: somebody asked for more than they may."""


class IsSubscription(Exception):
    """The operation is a subscription: it has a stream of results, and no answer."""


class Operations:
    """Executes operations, each time that it is asked to."""

    def __init__(self, schema: Schema, services: Services) -> None:
        self._schema = schema
        self._services = services
        self._copies: Bounded[tuple[str, str | None], bytes] = Bounded(COPIES, COPY_ROOM)

    def copy(self, request: GraphQLRequest) -> bytes | None:
        """The encoded answer to a request that asks for the schema alone, if one was kept."""
        return self._copies.get((request.query, request.operation_name))

    def keep_copy(self, request: GraphQLRequest, answer: dict[str, Any]) -> None:
        """Keep an answer if it was to such a request: it is the same for all, and takes long."""
        known = self._schema.memory.documents.get(request.query)
        if known is None or "errors" in answer or not known.asks_of_schema_alone:
            return
        copy = encoded({"data": answer["data"]})
        weight = 4 * len(request.query) + len(copy)
        self._copies.add((request.query, request.operation_name), copy, weight)

    async def answer(
        self,
        viewer: Viewer,
        request: GraphQLRequest,
        address: str | None = None,
        gone: Callable[[], Awaitable[object]] | None = None,
        *,
        tells_cost: bool = False,
    ) -> dict[str, Any]:
        """The answer to a query or a mutation that came from `address`; one that takes long ends
        when `gone` returns. If it was dear, or with `tells_cost`, it says what it has cost. Raises
        `IsSubscription`, `BadInput` if the request does not say which operation to run, and `Busy`
        if what it reads cannot be recorded."""
        context = self._context(viewer, request, address)
        context.gone = gone
        try:
            result = await self._schema.execute(
                request.query,
                variable_values=request.variables,
                context_value=context,
                operation_name=request.operation_name,
                allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
            )
        except InvalidOperationTypeError:
            raise IsSubscription from None
        except (CannotGetOperationTypeError, MissingQueryError):
            raise BadInput("The request does not say which operation to run.") from None
        answer = self._shown(request, result)
        _note(context, answer)
        if tells_cost and context.spent is None:
            context.spent = await self._services.budgets.spent(viewer.key_id)
        _tell_cost(answer, context)
        return answer

    def alone(
        self,
        viewer: Viewer,
        request: GraphQLRequest,
        start: Start | None = None,
        address: str | None = None,
    ) -> Results:
        """The results of an operation of any kind for one viewer."""
        return self.results(self._context(viewer, request, address), request, start)

    def _context(self, viewer: Viewer, request: GraphQLRequest, address: str | None) -> Context:
        outline = partial(self._schema.outline, request.query, request.operation_name)
        return Context(viewer, self._services, outline, address)

    async def results(
        self, context: SharedContext, request: GraphQLRequest, start: Start | None
    ) -> Results:
        """The results of an operation. A subscription begins where `start` says."""
        stream = await self._schema.stream(
            request.query,
            variable_values=request.variables,
            context_value=context,
            root_value=start,
            operation_name=request.operation_name,
        )
        errors: list[dict[str, Any]] = []
        async with aclosing(stream):
            async for executed in stream:
                item: Item[Any] | None = None
                if isinstance(executed, ItemResult):
                    item, payload = executed.item, shown(executed)
                    if "errors" in payload:
                        payload = await self._again(context, executed, payload)
                else:
                    payload = self._shown(request, executed)  # type: ignore[arg-type]  # no @defer
                    _note(context, payload)
                    if isinstance(context, Context):
                        _tell_cost(payload, context)
                if "errors" in payload:
                    errors = payload["errors"]
                    if payload.get("data") is None or (item is not None and has_failed(errors)):
                        break
                    errors = []
                yield _encoded(payload, item, context)
        if errors:
            yield failure(*errors)

    async def _again(
        self, context: SharedContext, result: ItemResult, payload: dict[str, Any]
    ) -> dict[str, Any]:
        """Execute an item again while a part of it cannot be read: it is sent with its cursor, and
        a client that has the cursor never asks for the item again."""
        for pause in PAUSES:
            if not has_failed(payload.get("errors", [])):
                break
            await asyncio.sleep(pause)
            context.load_afresh()
            payload = shown(await result.again())
        return payload

    def _shown(self, request: GraphQLRequest, result: ExecutionResult) -> dict[str, Any]:
        """An answer as it goes to the client, whole if it must be."""
        payload = shown(result)
        if (
            payload.get("data") is not None
            and has_failed(payload.get("errors", []))
            and self._schema.must_be_whole(request.query, request.operation_name)
        ):
            payload["data"] = None
        return payload


def _tell_cost(answer: dict[str, Any], context: Context) -> None:
    """Add what the operation has cost, if that is known."""
    if (spent := context.spent) is not None:
        requested, available, restored = spent
        cost = {"requested": requested, "available": available, "restoreRate": restored}
        answer["extensions"] = {"cost": cost}


def _note(context: SharedContext, payload: dict[str, Any]) -> None:
    """Record what one viewer has read, and what was refused as a whole. Raises `Busy`."""
    if not isinstance(context, Context):
        return  # what goes to many is recorded where it is sent
    for code in {error["extensions"]["code"] for error in payload.get("errors", ())} & REFUSALS:
        context.note_refusal(code)
    if payload.get("data") is not None:
        context.note_reads()


def _encoded(payload: dict[str, Any], item: Item[Any] | None, context: SharedContext) -> Result:
    text = encoded(payload).decode()
    if item is None:
        return Result(None, text)
    patients = tuple({*patients_in(item.row), *context.loaders.seen})
    how = (item.as_of, item.of_the_clock, item.more)
    return Result(item.position, text, *how, patients=patients)

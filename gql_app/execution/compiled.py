"""Execution that completes plain objects with compiled plans, and everything else as graphql-core
does.

If a plan raises, graphql-core completes the object again from the same row, so results and errors
are always its own. Completing only reads: doing it twice changes nothing. Each such fallback is
counted, because nothing else would show that a plan never works.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

from graphql import (
    DirectiveNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_app.execution.items import Item, ItemResult
from gql_app.execution.memory import memory_of
from gql_app.execution.plans import compile_object
from gql_app.execution.root import Root, root_of
from gql_app.execution.runs import SLICE, Complete, NotPlain, Run
from gql_app.execution.slices import in_slices
from gql_app.execution.source import Plan

T = TypeVar("T")


class CompiledExecutor(StrawberryGraphQLCoreExecutionContext):
    """An executor whose plans outlive it. A plan is found by the nodes of the cached document, the
    type, and the values of the variables that its directives depend on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        memory = memory_of(self.schema)
        self._documents = memory.documents
        self._known = memory.documents.of(self.operation)
        self._fallbacks = memory.fallbacks
        self._deciding = tuple(
            (name, self.variable_values.coerced.get(name)) for name in self._directive_variables()
        )
        self._root: Root | None = None
        self._is_rooted = False
        self.item: Item | None = None

    def build_per_event_executor(self, payload: Item) -> Executor[Any]:
        """Make the executor of one item. The root is found once for all items."""
        if not self._is_rooted:
            self._is_rooted = True
            try:
                self._root = root_of(self)
            except NotPlain:
                self._fallbacks.not_plain(self._root_name)
            except Exception as error:  # graphql-core runs into it as well, and reports it
                self._fallbacks.failed(self._root_name, error)
        executor: Any = super().build_per_event_executor(payload.row)
        executor.item = payload
        return executor  # type: ignore[no-any-return]  # it is one of this class

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute the operation: a subscription for one item, which goes with the result. A query
        or mutation is let in by its context first, which may raise, or give it a place to wait
        for."""
        is_whole = self.operation.operation is not OperationType.SUBSCRIPTION
        if is_whole and (place := self.context_value.admit()) is not None:
            return self._in_its_place(place, serially)
        executed = self._execute(serially)
        if self.item is None:
            return executed
        if type(executed) is ExecutionResult:
            return self._with_item(executed)
        return self._awaited(executed)

    async def _in_its_place(
        self, place: AbstractAsyncContextManager[None], serially: bool | None
    ) -> Any:
        async with place:
            executed = super().execute_operation(serially)
            return await executed if isinstance(executed, Awaitable) else executed

    async def _awaited(self, executed: Awaitable[ExecutionResult]) -> ItemResult:
        return self._with_item(await executed)

    def _with_item(self, executed: ExecutionResult) -> ItemResult:
        return ItemResult(executed.data, executed.errors, item=self.item, again=self._again)

    async def _again(self) -> ItemResult:
        """Execute the subscription once more for the same item."""
        executor = super().build_per_event_executor(self.root_value)
        executed: Any = executor.execute_operation(False)
        result: ItemResult = await executed if isinstance(executed, Awaitable) else executed
        return result

    def _execute(self, serially: bool | None) -> Any:
        """Execute the operation: for an item by the plan of its row, if there is one."""
        if self._root is None:
            return super().execute_operation(serially)
        run = Run(self._root.info)
        try:
            complete = self._plan(self._root.type_of(self.root_value), self._root.details)
            answer = None if complete is None else complete(self.root_value, run)
        except Exception as error:  # graphql-core reports it
            self._fallbacks.failed(self._root_name, error)
            answer = None
        if answer is None:
            return super().execute_operation(serially)
        response = self.build_response({self._root.name: answer})
        if run.is_complete:
            return response
        by_graphql_core = partial(super().execute_operation, serially)
        return self._filled(run, response, self._root_name, by_graphql_core)

    @property
    def _root_name(self) -> str:
        """The name under which fallbacks of a subscription's root are counted."""
        root = self.schema.subscription_type
        return "" if root is None else root.name

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object, by the plan of its selection if there is one."""
        given = (return_type, field_details_list, info, path, result, position_context)
        by_graphql_core = super().complete_object_value
        complete = self._plan(return_type, field_details_list)
        if complete is None:
            self._fallbacks.not_plain(return_type.name)
            return by_graphql_core(*given)
        run = Run(info)
        try:
            answer = complete(result, run)
        except Exception as error:  # graphql-core reports it
            self._fallbacks.failed(return_type.name, error)
            return by_graphql_core(*given)
        if run.is_complete:
            return answer
        return self._filled(run, answer, return_type.name, partial(by_graphql_core, *given))

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        """Complete a list. A long one of objects is completed in slices: others take turns."""
        details = field_details_list
        if details[0].node.selection_set is None or not _is_long(items, info):
            return super().complete_iterable_value(
                item_type, details, info, path, items, position_context
            )

        def complete(index: int, item: Any, into: list[Any]) -> bool:
            place = path.add_key(index, None)
            return self.complete_list_item_value(
                item, into, item_type, details, info, place, position_context
            )

        return in_slices(list(items), complete)

    async def _filled(
        self, run: Run, answer: T, type_name: str, otherwise: Callable[[], Any]
    ) -> T | Any:
        """Load the rows that the answer wants. If that fails, return what `otherwise` gives."""
        try:
            await run.fill()
        except Exception as error:
            self._fallbacks.failed(type_name, error)
            completed = otherwise()
            return await completed if isinstance(completed, Awaitable) else completed
        return answer

    def _plan(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Complete | None:
        key = (object_type, self._deciding, *[id(detail.node) for detail in details])
        try:
            return self._known.plans[key]
        except KeyError:
            pass
        except TypeError:  # a variable of a directive that is a list
            return None
        try:
            plan = self._compile(object_type, details)
        except (NotPlain, GraphQLError):  # graphql-core reports it
            self._known.plans.add(key, None)
            return None
        self._known.plans.add(key, plan.one)
        self._documents.grow(self._known.query, plan.weight)
        return plan.one

    def _compile(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Plan:
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            raise NotPlain  # an extension has to see each field

        def collect(of: GraphQLObjectType, own: FieldDetailsList) -> dict[str, FieldDetailsList]:
            collected = self.collect_subfields(of, own)
            if collected.new_defer_usages or any(d.fragment_variable_values for d in own):
                raise NotPlain
            return collected.grouped_field_set

        return compile_object(object_type, details, collect)

    def _directive_variables(self) -> tuple[str, ...]:
        """The variables that decide what is selected. They are looked for once a document."""
        operation, seen = self.operation, self._known.directive_variables
        if id(operation) not in seen:
            found = _DirectiveVariables()
            for node in (operation, *self.fragment_definitions.values()):
                visit(node, found)
            seen[id(operation)] = tuple(sorted(found.names))
        return seen[id(operation)]


def _is_long(items: Iterable[Any], info: GraphQLResolveInfo[Any]) -> bool:
    """Whether a list takes long: one with many objects, or one of the schema's own description,
    whose objects are large."""
    if not isinstance(items, Collection):
        return False
    return len(items) > SLICE or (
        info.field_name == "types" and info.parent_type.name == "__Schema"
    )


class _DirectiveVariables(Visitor):
    """Collects the variables in the arguments of directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)

"""The root of a subscription: its only field, found once for all items.

graphql-core executes the whole document for each item, although only the item is new.
"""

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
    is_abstract_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.pyutils import Path

from gql_app.execution.runs import NotPlain


class Root:
    """The field, which the client calls `name`, and the type of its value."""

    def __init__(
        self,
        name: str,
        details: FieldDetailsList,
        executor: Executor[Any],
        parent: GraphQLObjectType,
    ) -> None:
        field = executor.schema.get_field(parent, details[0].node.name.value)
        if field is None:
            raise NotPlain
        nodes = [each.node for each in details]
        self.name = name
        self.details = details
        self.info: GraphQLResolveInfo[Any] = executor.build_resolve_info(
            field, nodes, parent, Path(None, name, parent.name)
        )
        row = object()
        if field.resolve is None or field.resolve(row, self.info) is not row:
            raise NotPlain  # the item's row is not what is shown
        self._type: Any = field.type.of_type if is_non_null_type(field.type) else field.type
        self._schema = executor.schema
        self._types: dict[type, GraphQLObjectType] = {}

    def type_of(self, row: Any) -> GraphQLObjectType:
        """The type that an item's row is shown as. It is asked for once for each class of rows.
        Raises `NotPlain`."""
        found = self._types.get(type(row))
        if found is None:
            found = self._types[type(row)] = self._ask(row)
        return found

    def _ask(self, row: Any) -> GraphQLObjectType:
        if is_object_type(self._type):
            return self._type
        if is_abstract_type(self._type) and self._type.resolve_type is not None:
            resolve: Callable[..., Any] = self._type.resolve_type
            name = resolve(row, self.info, self._type)
            named = self._schema.get_type(name) if isinstance(name, str) else None
            if is_object_type(named) and self._schema.is_sub_type(self._type, named):
                return named
        raise NotPlain


def root_of(executor: Executor[Any]) -> Root:
    """Find the root of a subscription. Raises `NotPlain`, or what graphql-core raises."""
    operation = executor.operation
    parent = executor.schema.get_root_type(operation.operation)
    middleware = executor.middleware_manager
    if parent is None or (middleware is not None and middleware.middlewares):
        raise NotPlain  # an extension has to see each field
    collected = collect_fields(
        executor.schema, executor.fragments, executor.variable_values, parent, operation
    )
    if len(collected.grouped_field_set) != 1 or collected.new_defer_usages:
        raise NotPlain
    ((name, details),) = collected.grouped_field_set.items()
    return Root(name, details, executor, parent)

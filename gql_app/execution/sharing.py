"""Which subscriptions can be executed once for all who sent the same."""

from collections.abc import Mapping
from typing import NamedTuple

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    visit,
)
from strawberry.types import get_object_definition

from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import LONGEST, MAX_TOKENS

SHARED = "shared"
"""The key of a `Shared` in the metadata of a subscription's field."""

REMEMBERED, ROOM = 1_000, 4 * 1024 * 1024


class Shared(NamedTuple):
    """Says of a subscription's field that its results may be sent to several subscribers: they
    depend on its arguments and on the subscriber's scope, and on nothing else of the subscriber.

    `cursor` is the argument that names the event after which the stream begins. A field that
    `begins_with_state` tells each subscriber first how things stand at that cursor today.
    """

    cursor: str
    begins_with_state: bool = False


class Shareable(NamedTuple):
    """A subscription that can be shared. Its cursor comes in the variable `cursor_variable`, if at
    all; it must come if `cursor_required`."""

    shared: Shared
    cursor_variable: str | None
    cursor_required: bool = False


def shared_fields(schema: strawberry.Schema) -> dict[str, Shared]:
    """The fields whose metadata says that they may be shared, by their names in the schema."""
    definition = get_object_definition(schema.subscription, strict=True)
    return {
        schema.config.name_converter.from_field(field): field.metadata[SHARED]
        for field in definition.fields
        if SHARED in field.metadata
    }


class Shape(NamedTuple):
    """How an operation can be shared, if at all, and whether it is a subscription."""

    shareable: Shareable | None
    is_live: bool


class Shapes:
    """How the operations that clients send can be shared. Each is looked at once."""

    def __init__(self, fields: Mapping[str, Shared]) -> None:
        self._fields = fields
        self._found: Bounded[tuple[str, str | None], Shape] = Bounded(REMEMBERED, ROOM)

    def find(self, query: str, operation_name: str | None) -> Shape:
        """What `shareable` says of an operation, and whether it is a subscription."""
        key = (query, operation_name)
        shape = self._found.get(key)
        if shape is None:
            document = _parsed(query)
            operation = None if document is None else get_operation_ast(document, operation_name)
            is_live = operation is not None and operation.operation is OperationType.SUBSCRIPTION
            found = shareable(self._fields, query, operation_name) if is_live else None
            shape = Shape(found, is_live)
            self._found.add(key, shape, 4 * (len(query) + len(operation_name or "")))
        return shape


def shareable(
    fields: Mapping[str, Shared], query: str, operation_name: str | None
) -> Shareable | None:
    """How a subscription can be shared, None if it cannot. Never raises: if something is wrong with
    the document, it is executed alone, and the error is found there."""
    document = _parsed(query)
    if document is None:
        return None
    operation = get_operation_ast(document, operation_name)
    field = None if operation is None else _only_field(operation)
    shared = None if field is None else fields.get(field.name.value)
    if operation is None or field is None or shared is None:
        return None
    cursor = next((a.value for a in field.arguments or () if a.name.value == shared.cursor), None)
    if cursor is None:
        return Shareable(shared, None)
    if not isinstance(cursor, VariableNode):
        return None  # it is written into the document, which nobody else will send
    name = cursor.name.value
    declared = [v for v in operation.variable_definitions or () if v.variable.name.value == name]
    if len(declared) != 1 or declared[0].default_value is not None:
        return None
    is_required = isinstance(declared[0].type, NonNullTypeNode)
    uses = _Uses(name)
    visit(document, uses)
    # Once where it is declared, once as the cursor. Elsewhere it would change the results.
    return Shareable(shared, name, is_required) if uses.count == 2 else None


def _parsed(query: str) -> DocumentNode | None:
    """The document, None if it is too long or cannot be read."""
    if len(query) > LONGEST:
        return None
    try:
        return parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except (GraphQLError, RecursionError):
        return None


def _only_field(operation: OperationDefinitionNode) -> FieldNode | None:
    """The field of a subscription, if it is one, with no directive and no fragment."""
    selections = operation.selection_set.selections
    is_subscription = operation.operation is OperationType.SUBSCRIPTION
    if not is_subscription or len(selections) != 1 or operation.directives:
        return None
    [field] = selections
    return field if isinstance(field, FieldNode) and not field.directives else None


class _Uses(Visitor):
    """Counts how often a variable is used in a document."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.count = 0

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.count += node.name.value == self.name

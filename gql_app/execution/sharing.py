"""Which subscriptions can be executed once for all who sent the same."""

from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    visit,
)

from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import MAX_TOKENS

SHARED_FIELDS = ("taskStatusChanged", "queueFeed")
CURSOR_ARGUMENT = "after"
REMEMBERED = 1_000


class Shareable(NamedTuple):
    """A subscription to `field` whose results depend on nothing of its subscriber but the scope and
    the place it begins at, which comes in the variable `cursor_variable`, if at all; it must come
    if `cursor_required`."""

    field: str
    cursor_variable: str | None
    cursor_required: bool = False


class Shapes:
    """How subscriptions can be shared, looked at once however often they are sent."""

    def __init__(self) -> None:
        self._found: Bounded[tuple[str, str | None], Shareable | None] = Bounded(REMEMBERED)

    def find(self, query: str, operation_name: str | None) -> Shareable | None:
        """What `shareable` says of a subscription."""
        key = (query, operation_name)
        try:
            return self._found[key]
        except KeyError:
            shape = shareable(query, operation_name)
            self._found.add(key, shape)
            return shape


def shareable(query: str, operation_name: str | None) -> Shareable | None:
    """How the subscription can be shared, None if it is not of that kind. Never raises: what is
    wrong with a document is said by those who execute it."""
    try:
        document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except (GraphQLError, RecursionError):
        return None
    operation = _only_subscription(document, operation_name)
    if operation is None:
        return None
    [field] = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    cursor = next((a.value for a in field.arguments or () if a.name.value == CURSOR_ARGUMENT), None)
    if cursor is None:
        return Shareable(field.name.value, None)
    if not isinstance(cursor, VariableNode):
        return None  # written into the document: it is the subscriber's own
    name = cursor.name.value
    declared = [v for v in operation.variable_definitions or () if v.variable.name.value == name]
    if len(declared) != 1 or declared[0].default_value is not None:
        return None
    is_required = isinstance(declared[0].type, NonNullTypeNode)
    uses = _Uses(name)
    visit(document, uses)
    # Once where it is declared, once as the cursor. Elsewhere it would change the results.
    return Shareable(field.name.value, name, is_required) if uses.count == 2 else None


def _only_subscription(
    document: DocumentNode, operation_name: str | None
) -> OperationDefinitionNode | None:
    """The operation that is run, if it is a subscription to a shared field and nothing else."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [o for o in operations if o.name and o.name.value == operation_name]
    if len(operations) != 1 or operations[0].operation is not OperationType.SUBSCRIPTION:
        return None
    [operation] = operations
    fields = operation.selection_set.selections
    plain = (
        len(fields) == 1
        and isinstance(fields[0], FieldNode)
        and fields[0].name.value in SHARED_FIELDS
        and not fields[0].directives
        and not operation.directives
    )
    return operation if plain else None


class _Uses(Visitor):
    """Counts how often a variable stands in a document."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.count = 0

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.count += node.name.value == self.name

"""What an operation is called where it is recorded, and whether it asks for what is sensitive."""

from typing import NamedTuple

from graphql import DocumentNode, FieldNode, OperationType, Visitor, get_operation_ast, visit

from gql_app.execution.limits import fragments
from gql_app.execution.whole import root_names


class Outline(NamedTuple):
    """The root fields of an operation by name, and what is to be known of it beside them."""

    name: str
    is_query: bool = False
    is_sensitive: bool = False


UNREADABLE = Outline("a document that cannot be read")


def outline(
    document: DocumentNode, operation_name: str | None, sensitive: frozenset[str]
) -> Outline:
    """The outline of an operation of a document, which need not be valid. `sensitive` are names of
    fields."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return UNREADABLE
    names = sorted(set(root_names(operation.selection_set, fragments(document))))
    found = _Sensitive(sensitive)
    visit(document, found)
    is_query = operation.operation is OperationType.QUERY
    return Outline(", ".join(names), is_query, found.any)


class _Sensitive(Visitor):
    """Looks for fields in a document, by their names."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names
        self.any = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.any |= node.name.value in self._names

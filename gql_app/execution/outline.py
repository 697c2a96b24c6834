"""What an operation is called where it is recorded, and whether it asks for notes."""

from typing import NamedTuple

from graphql import DocumentNode, FieldNode, OperationType, Visitor, get_operation_ast, visit

from gql_app.execution.limits import fragments
from gql_app.execution.whole import root_names

NOTES = "notes"
"""The field that shows what agents have noted."""


class Outline(NamedTuple):
    """The root fields of an operation by name, and what is to be known of it beside them."""

    name: str
    is_query: bool = False
    has_notes: bool = False


UNREADABLE = Outline("a document that cannot be read")


def outline(document: DocumentNode, operation_name: str | None) -> Outline:
    """The outline of an operation of a document, which need not be valid."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return UNREADABLE
    names = sorted(set(root_names(operation.selection_set, fragments(document))))
    found = _Notes()
    visit(document, found)
    is_query = operation.operation is OperationType.QUERY
    return Outline(", ".join(names), is_query, found.any)


class _Notes(Visitor):
    """Looks for the field in a document."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.any |= node.name.value == NOTES

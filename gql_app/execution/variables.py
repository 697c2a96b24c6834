"""The variables that decide how much an operation asks for, and their values."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import get_variable_values


def deciding(document: DocumentNode, size: str) -> frozenset[str]:
    """The names of the variables that decide how much a document asks for: those in the argument
    `size`, which says how many rows a page may have, and in the conditions of directives."""
    found = _Deciding({size, "if"})
    visit(document, found)
    return frozenset(found.names)


def coerced(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    names: frozenset[str],
    variables: Mapping[str, Any],
) -> dict[str, int | None] | None:
    """The values that the operation is run with, for the variables in `names`, defaults included.
    None if one of them cannot be coerced: then the operation is not run."""
    definitions = [
        each for each in operation.variable_definitions or () if each.variable.name.value in names
    ]
    if not definitions:
        return {}
    found = get_variable_values(schema, definitions, dict(variables))
    if isinstance(found, list):
        return None
    # A value that is neither a number nor a flag is refused where it is used.
    return {
        name: value if isinstance(value, int) else None for name, value in found.coerced.items()
    }


class _Deciding(Visitor):
    """Collects the variables in certain arguments."""

    def __init__(self, arguments: set[str]) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._arguments = arguments

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if node.name.value in self._arguments and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)

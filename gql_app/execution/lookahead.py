"""What an operation selects, for resolvers that read no more than is shown."""

from collections.abc import Callable
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, Visitor, visit
from strawberry import Info

from gql_app.execution.memory import memory_of
from gql_app.execution.strawberry_private import core_info

NAME_BYTES = 64
"""What a name takes in a set, without its text, which the schema has as well."""


def names_in(info: Info[Any, Any]) -> frozenset[str]:
    """The names of all fields in the operation that is executed, at any depth, fragments included.
    Not only those below one field, because fields share what they load."""
    raw = core_info(info)
    operation = raw.operation
    seen = memory_of(raw.schema).documents.of(operation).names
    known = seen.get(id(operation))
    if known is None:
        found = _Names(dict(raw.fragments))
        visit(operation, found)
        known = seen[id(operation)] = frozenset(found.names)
    return known


def columns_in(
    info: Info[Any, Any], read_by: Callable[[frozenset[str]], frozenset[str]]
) -> frozenset[str]:
    """The columns that the fields of the operation read, as `read_by` says. The answer for the same
    set of fields is remembered."""
    names, seen = names_in(info), memory_of(core_info(info).schema).columns
    known = seen.get((read_by, names))
    if known is None:
        known = read_by(names)
        seen.add((read_by, names), known, NAME_BYTES * (len(names) + len(known)))
    return known


class _Names(Visitor):
    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._fragments = fragments

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.names.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        fragment = self._fragments.pop(node.name.value, None)  # each once
        if fragment is not None:
            visit(fragment, self)

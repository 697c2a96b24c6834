"""What an operation selects, for a resolver that reads no more than will be shown."""

from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, Visitor, visit
from graphql import OperationDefinitionNode as Operation
from strawberry import Info

from gql_app.execution.bounded import Bounded

# The operation stands beside the names, so that no other node can have its id meanwhile.
_seen: Bounded[int, tuple[Operation, frozenset[str]]] = Bounded(1_000)


def names_in(info: Info[Any, Any]) -> frozenset[str]:
    """The names of all fields in the operation that is being carried out, at any depth, fragments
    included. Of the whole of it, because its fields share what they load."""
    operation = info._raw_info.operation  # noqa: SLF001 - `selected_fields` costs more than it saves
    known = _seen.get(id(operation))
    if known is None:
        found = _Names(dict(info._raw_info.fragments))  # noqa: SLF001
        visit(operation, found)
        known = (operation, frozenset(found.names))
        _seen.add(id(operation), known)
    return known[1]


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

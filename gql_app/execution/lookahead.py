"""What is selected below a field, for a resolver that can read some of it along."""

from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, Visitor, visit
from strawberry import Info

from gql_app.execution.bounded import Bounded

# The node stands beside the names, so that no other node can have its id meanwhile.
_seen: Bounded[int, tuple[FieldNode, frozenset[str]]] = Bounded(1_000)


def fields_below(info: Info[Any, Any]) -> frozenset[str]:
    """The names of all fields in the selection of the field that is being resolved, at any depth,
    fragments included. A field that stands there twice, in parts, is seen in its first part."""
    node = info._raw_info.field_nodes[0]  # noqa: SLF001 - `selected_fields` costs more than it saves
    known = _seen.get(id(node))
    if known is None:
        below = _Below(dict(info._raw_info.fragments))  # noqa: SLF001
        visit(node, below)
        known = (node, frozenset(below.names))
        _seen.add(id(node), known)
    return known[1]


class _Below(Visitor):
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

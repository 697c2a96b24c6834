"""Limits how often a document asks for the same: validation compares each pair of fields that are
merged, so 1,900 times the same field would hold it up for seconds.
"""

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gql_app.execution.limits import at_most, fragments

MAX_PAIRS = 10_000
"""Pairs of fields with the same name in one place of an answer: 140 times the same has as many."""
MAX_STEPS = 20_000
"""Selections that are looked at to find this out."""


def check_overlaps(document: DocumentNode) -> None:
    """Raise `TooComplex` if comparing the document's fields would take too long."""
    walk = _Walk(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            walk.object((definition.selection_set,))
    for name, fragment in fragments(document).items():
        if name not in walk.spread:  # it is compared though nothing spreads it
            walk.object((fragment.selection_set,))


class _Walk:
    """Merges the selections of one document, whatever their types, and counts pairs."""

    def __init__(self, document: DocumentNode) -> None:
        self.spread: set[str] = set()
        self._fragments = fragments(document)
        self._seen: set[tuple[int, ...]] = set()
        self._pairs = 0
        self._steps = 0

    def object(self, sets: tuple[SelectionSetNode, ...]) -> None:
        """Count the pairs in an object of which all of `sets` are selected."""
        key = tuple(map(id, sets))
        if key in self._seen:
            return
        self._seen.add(key)
        fields: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in sets:
            self._collect(selection_set, fields, spread)
        self.spread |= spread
        for nodes in fields.values():
            self._pairs += len(nodes) * (len(nodes) - 1) // 2
            at_most("pairs of fields with the same name", self._pairs, MAX_PAIRS)
            if below := tuple(n.selection_set for n in nodes if n.selection_set is not None):
                self.object(below)

    def _collect(
        self, selection_set: SelectionSetNode, into: dict[str, list[FieldNode]], spread: set[str]
    ) -> None:
        for selection in selection_set.selections:
            self._steps += 1
            at_most("selections", self._steps, MAX_STEPS)
            match selection:
                case FieldNode(alias=alias, name=own):
                    name = own.value if alias is None else alias.value
                    into.setdefault(name, []).append(selection)
                case InlineFragmentNode():
                    self._collect(selection.selection_set, into, spread)
                case FragmentSpreadNode(name=named):
                    fragment = self._fragments.get(named.value)
                    if fragment is not None and named.value not in spread:
                        spread.add(named.value)
                        self._collect(fragment.selection_set, into, spread)

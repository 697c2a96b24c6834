"""Limits on a document: how long it may be, how deep, and with how many aliases.

A fragment is measured once, however often it is spread, so the time grows with the length of the
document only. Documents are measured before they are validated, because validating a deep document,
or one with many aliases, takes long.
"""

from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

LONGEST = 16_384
"""Characters of the longest document: what is made of one stays in memory, comments included."""
MAX_TOKENS = 2_000
MAX_DEPTH = 20
"""Fields within fields. The introspection query of common tools has 14."""
MAX_ALIASES = 50
MAX_SPREADS = 100
"""Fragments within fragments."""


class TooComplex(Exception):
    """The document is over a limit. The message says of what, how much it has, and the limit."""

    def __init__(self, what: str, figure: int | str, limit: int) -> None:
        shown = figure if isinstance(figure, str) else f"{figure:,}"
        super().__init__(f"The document is too complex: {shown} {what}; at most {limit:,}.")


class Shape(NamedTuple):
    """How deep a selection is, and how many aliases it has, fragments included."""

    depth: int = 0
    aliases: int = 0

    def beside(self, other: "Shape") -> "Shape":
        return Shape(max(self.depth, other.depth), self.aliases + other.aliases)


def check_shape(document: DocumentNode) -> None:
    """Raise `TooComplex` if any operation of the document is too deep or has too many aliases, even
    one that is not run: the whole document is validated."""
    walk = _Shapes(document)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            shape = walk.selection(operation.selection_set, 0)
            at_most("levels of fields", shape.depth, MAX_DEPTH)
            at_most("aliases", shape.aliases, MAX_ALIASES)


def at_most(what: str, figure: int, limit: int) -> None:
    """Raise `TooComplex` if the figure is over the limit."""
    if figure > limit:
        raise TooComplex(what, figure, limit)


class _Shapes:
    """Measures how deep the selections of one document go, and counts their aliases."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = fragments(document)
        self._measured: dict[str, Shape] = {}

    def selection(self, selection_set: SelectionSetNode, spreads: int) -> Shape:
        total = Shape()
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                inner = Shape()
                if selection.selection_set is not None:
                    inner = self.selection(selection.selection_set, spreads)
                own = selection.alias is not None
                shape = Shape(inner.depth + 1, inner.aliases + own)
            elif isinstance(selection, InlineFragmentNode):
                shape = self.selection(selection.selection_set, spreads)
            elif isinstance(selection, FragmentSpreadNode):
                shape = self._fragment(selection.name.value, spreads + 1)
            total = total.beside(shape)
        return total

    def _fragment(self, name: str, spreads: int) -> Shape:
        if spreads > MAX_SPREADS:
            raise TooComplex("fragments within fragments", f"over {MAX_SPREADS}", MAX_SPREADS)
        definition = self._fragments.get(name)
        if definition is None:
            return Shape()
        if name not in self._measured:
            self._measured[name] = Shape()  # validation reports one that spreads itself
            self._measured[name] = self.selection(definition.selection_set, spreads)
        return self._measured[name]


def fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document, by name."""
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}


def check_length(query: str) -> None:
    """Raise `TooComplex` if a document is too long to be parsed."""
    at_most("characters", len(query), LONGEST)

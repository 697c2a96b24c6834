"""What a document may ask for, found in one walk before anything else looks at it.

A fragment is measured once and remembered, however often it is spread, so the time is linear in the
document. What is not valid is not measured: validation, which follows, says what is wrong with it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

MAX_TOKENS = 2_000
MAX_DEPTH = 20
"""Fields within fields. The introspection that tools send has 14."""
MAX_ALIASES = 50
MAX_ROWS = 25_000
"""Rows that may come back at most: what lists ask for, times what their parents do."""
MAX_SPREADS = 100
"""Fragments within fragments."""

PLAIN_LIST = 10
"""How many rows a list without `first`, such as the queues, is taken to have."""

MOST_ROWS = "most rows"
"""The key, in a field's metadata, of how many rows its list is taken to have instead."""


class TooComplex(Exception):
    """The document asks for more than it may: the message says what, how much, and the limit."""

    def __init__(self, what: str, figure: int | str, limit: int) -> None:
        shown = figure if isinstance(figure, str) else f"{figure:,}"
        super().__init__(f"The document is too complex: {shown} {what}; at most {limit:,}.")


class Measure(NamedTuple):
    """How deep a selection goes, how many aliases it has with its fragments in place, and how many
    rows it asks for a parent."""

    depth: int = 0
    aliases: int = 0
    rows: int = 0

    def beside(self, other: "Measure") -> "Measure":
        depth = max(self.depth, other.depth)
        return Measure(depth, self.aliases + other.aliases, self.rows + other.rows)


def check(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], largest_page: int
) -> None:
    """Raise `TooComplex` if an operation of the document is over a limit."""
    walk = _Walk(schema, document, variables, largest_page)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            walk.defaults = {
                v.variable.name.value: int(v.default_value.value)
                for v in operation.variable_definitions or ()
                if isinstance(v.default_value, IntValueNode)
            }
            root = schema.get_root_type(operation.operation)
            measure = walk.selection(operation.selection_set, root, 0)
            for what, figure, limit in (
                ("levels of fields", measure.depth, MAX_DEPTH),
                ("aliases", measure.aliases, MAX_ALIASES),
                ("rows", measure.rows, MAX_ROWS),
            ):
                if figure > limit:
                    raise TooComplex(what, figure, limit)


class _Walk:
    """Measures the selections of one document."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        variables: Mapping[str, Any],
        largest_page: int,
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._largest_page = largest_page
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure] = {}
        self.defaults: dict[str, int] = {}

    def selection(self, selection_set: SelectionSetNode, parent: Any, spreads: int) -> Measure:
        total = Measure()
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                measure = self._field(selection, parent, spreads)
            elif isinstance(selection, InlineFragmentNode):
                on = selection.type_condition
                inner = self._schema.get_type(on.name.value) if on is not None else parent
                measure = self.selection(selection.selection_set, inner, spreads)
            elif isinstance(selection, FragmentSpreadNode):
                measure = self._fragment(selection.name.value, spreads + 1)
            total = total.beside(measure)
        return total

    def _fragment(self, name: str, spreads: int) -> Measure:
        if spreads > MAX_SPREADS:
            raise TooComplex("fragments within fragments", f"over {MAX_SPREADS}", MAX_SPREADS)
        definition = self._fragments.get(name)
        if definition is None:
            return Measure()
        if name not in self._measured:
            self._measured[name] = Measure()  # of one that spreads itself: validation will say so
            on = self._schema.get_type(definition.type_condition.name.value)
            self._measured[name] = self.selection(definition.selection_set, on, spreads)
        return self._measured[name]

    def _field(self, node: FieldNode, parent: Any, spreads: int) -> Measure:
        is_known = is_object_type(parent) or is_interface_type(parent)
        field = parent.fields.get(node.name.value) if is_known else None
        rows, each = 0, 1
        if field is not None:
            if "first" in field.args:
                rows = each = self._first(node, field.args["first"].default_value)
            elif _is_list_of_objects(field.type) and "pageInfo" not in parent.fields:
                definition = (field.extensions or {}).get("strawberry-definition")
                rows = each = getattr(definition, "metadata", {}).get(MOST_ROWS, PLAIN_LIST)
        inner = Measure()
        if node.selection_set is not None:
            below = None if field is None else get_named_type(field.type)
            inner = self.selection(node.selection_set, below, spreads)
        aliases = inner.aliases + (node.alias is not None)
        return Measure(inner.depth + 1, aliases, rows + each * inner.rows)

    def _first(self, node: FieldNode, default: Any) -> int:
        value: Any = default
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
        if isinstance(value, IntValueNode):
            value = int(value.value)
        elif isinstance(value, VariableNode):
            name = value.name.value
            value = self._variables.get(name, self.defaults.get(name, default))
        return min(max(value, 0), self._largest_page) if type(value) is int else 0


def _is_list_of_objects(output_type: Any) -> bool:
    if is_non_null_type(output_type):
        output_type = output_type.of_type
    return is_list_type(output_type) and is_composite_type(get_named_type(output_type))

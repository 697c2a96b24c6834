"""Counts how many rows an operation may bring back, before it is validated.

Only the operation that is run counts, with its variables coerced, so that 500 and 500.0 are the
same number. What is not valid is not counted: validation, which follows, reports it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    visit,
)
from graphql.execution import get_variable_values

from gql_app.execution.limits import at_most, fragments
from gql_app.execution.strawberry_private import field_behind

MAX_ROWS = 25_000
"""Most rows that may come back: what each list asks for, times what its parents ask for."""

DECIDERS = frozenset({"skip", "include"})
"""The directives that decide whether a selection is executed."""

PLAIN_LIST = 10
"""How many rows a list that is not paged is taken to have."""

MOST_ROWS = "most rows"
"""The key, in a field's metadata, of how many rows its list is taken to have instead."""


class Pages(NamedTuple):
    """How the schema names what has to do with pages. The argument `size` says how many rows a page
    may have; more than `largest` counts as `largest`, and is refused when the page is read. A type
    with the field `info` is a page: its lists are counted where the page is asked for."""

    size: str
    info: str
    largest: int


def check_rows(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    pages: Pages,
) -> None:
    """Raise `TooComplex` if the operation asks for too many rows. `variables` are coerced."""
    root = schema.get_root_type(operation.operation)
    rows = _Rows(schema, document, variables, pages).selection(operation.selection_set, root)
    at_most("rows", rows, MAX_ROWS)


def deciding(document: DocumentNode, pages: Pages) -> frozenset[str]:
    """The names of the variables that decide how many rows a document asks for."""
    found = _Deciding(pages)
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


class _Rows:
    """Counts the rows that one operation asks for. `@skip` and `@include` are heeded."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        variables: Mapping[str, Any],
        pages: Pages,
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._pages = pages
        self._fragments = fragments(document)
        self._counted: dict[str, int] = {}

    def selection(self, selection_set: SelectionSetNode, parent: Any) -> int:
        return sum(
            self._selected(selection, parent)
            for selection in selection_set.selections
            if self._is_included(selection)
        )

    def _selected(self, selection: SelectionNode, parent: Any) -> int:
        match selection:
            case FieldNode():
                return self._field(selection, parent)
            case InlineFragmentNode(type_condition=on):
                inner = parent if on is None else self._schema.get_type(on.name.value)
                return self.selection(selection.selection_set, inner)
            case FragmentSpreadNode():
                return self._fragment(selection.name.value)
        return 0

    def _fragment(self, name: str) -> int:
        definition = self._fragments.get(name)
        if definition is None:
            return 0
        if name not in self._counted:
            self._counted[name] = 0  # validation reports one that spreads itself
            on = self._schema.get_type(definition.type_condition.name.value)
            self._counted[name] = self.selection(definition.selection_set, on)
        return self._counted[name]

    def _field(self, node: FieldNode, parent: Any) -> int:
        is_known = is_object_type(parent) or is_interface_type(parent)
        field = parent.fields.get(node.name.value) if is_known else None
        rows, each = 0, 1
        if field is not None:
            if self._pages.size in field.args:
                rows = each = self._page(node, field.args[self._pages.size].default_value)
            elif _is_list_of_objects(field.type) and self._pages.info not in parent.fields:
                definition = field_behind(field)
                metadata = {} if definition is None else definition.metadata
                rows = each = metadata.get(MOST_ROWS, PLAIN_LIST)
        if node.selection_set is None:
            return rows
        below = None if field is None else get_named_type(field.type)
        return rows + each * self.selection(node.selection_set, below)

    def _page(self, node: FieldNode, default: Any) -> int:
        size = self._value(_argument(node, self._pages.size))
        if size is None:  # not given, or null, which is the same
            size = default
        return min(max(size, 0), self._pages.largest) if type(size) is int else 0

    def _value(self, node: ValueNode | None) -> Any:
        """The value of an argument, None if it is not given."""
        match node:
            case VariableNode():
                return self._variables.get(node.name.value)
            case IntValueNode(value=digits):
                # Python refuses to read thousands of digits, and no page is as large.
                return int(digits) if len(digits) < 20 else self._pages.largest
            case BooleanValueNode(value=flag):
                return flag
        return None

    def _is_included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            condition = self._value(_argument(directive, "if"))
            if condition is (directive.name.value == "skip") and directive.name.value in DECIDERS:
                return False
        return True


class _Deciding(Visitor):
    """Collects the variables in page sizes and in the conditions of directives."""

    def __init__(self, pages: Pages) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._arguments = {pages.size, "if"}

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if node.name.value in self._arguments and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)


def _argument(node: FieldNode | DirectiveNode, name: str) -> ValueNode | None:
    return next((a.value for a in node.arguments or () if a.name.value == name), None)


def _is_list_of_objects(output_type: Any) -> bool:
    if is_non_null_type(output_type):
        output_type = output_type.of_type
    return is_list_type(output_type) and is_composite_type(get_named_type(output_type))

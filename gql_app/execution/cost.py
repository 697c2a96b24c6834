"""Measures what an operation may bring back, before it is validated: rows, leaves and bytes.

Only the operation that is run counts, with its variables coerced, so that 500 and 500.0 are the
same number. Fields are merged as they are when it is executed: what two fragments select both is
brought back once. What is not valid is not counted: validation, which follows, reports it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_enum_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from gql_app.execution.limits import at_most, fragments
from gql_app.execution.strawberry_private import field_behind

MAX_ROWS = 25_000
"""Most rows that may come back: what each list asks for, times what its parents ask for."""
MAX_LEAVES = 60_000
"""Most values that may come back: those of each row, times the rows."""
MAX_LEAVES_LIVE = 20_000
"""Most values of one message of a subscription: it may be executed for every change."""
MAX_BYTES = 4_000_000
"""Most bytes of an answer, as they are estimated."""
MAX_REPORTS = 1
MAX_STEPS = 20_000
"""Selections that are looked at to find this out; the largest documents in use need some hundreds.
Merging could otherwise take time that grows faster than the document."""

DECIDERS = frozenset({"skip", "include"})
"""The directives that decide whether a selection is executed."""

PLAIN_LIST = 10
"""How many rows a list that is not paged is taken to have."""

MOST_ROWS = "most rows"
"""The key, in a field's metadata, of how many rows its list is taken to have instead."""
BYTES = "bytes"
"""The key, in a field's metadata, of how long its values are taken to be."""
REPORT = "report"
"""The key, in a field's metadata, that says: the field reads so much that an operation may have
only one of its kind."""

TEXT_BYTES, ENUM_BYTES = 26, 16
SCALAR_BYTES = {"Int": 5, "Float": 8, "Boolean": 5}
"""How long values are taken to be in an answer; any others are texts, unless the schema says so."""
BETWEEN = 4
"""Bytes between the name of a value and the next: two quotes, a colon and a comma."""


class Pages(NamedTuple):
    """How the schema names what has to do with pages. The argument `size` says how many rows a page
    may have; more than `largest` counts as `largest`, and is refused when the page is read. A type
    with the field `info` is a page: its lists are counted where the page is asked for, as `usual`
    where nothing says how large it may be. `scalars` says how many bytes the schema's own take."""

    size: str
    info: str
    largest: int
    usual: int
    scalars: Mapping[str, int]


class Cost(NamedTuple):
    """What an operation may bring back, and how many changes and reports it asks for."""

    rows: int = 0
    leaves: int = 0
    bytes: int = 0
    reports: int = 0
    changes: int = 0

    def and_(self, other: "Cost") -> "Cost":
        return Cost(*map(sum, zip(self, other, strict=True)))


NOTHING = Cost()


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    pages: Pages,
) -> Cost:
    """What the operation costs. `variables` are coerced. Raises `TooComplex` if it is too much."""
    root = schema.get_root_type(operation.operation)
    walk = _Walk(schema, document, variables, pages)
    cost = walk.object((operation.selection_set,), root)
    at_most("rows", cost.rows, MAX_ROWS)
    is_live = operation.operation is OperationType.SUBSCRIPTION
    at_most("values", cost.leaves, MAX_LEAVES_LIVE if is_live else MAX_LEAVES)
    at_most("bytes", cost.bytes, MAX_BYTES)
    at_most("reports", cost.reports, MAX_REPORTS)
    if operation.operation is OperationType.MUTATION:
        cost = cost._replace(changes=len(walk.fields((operation.selection_set,), root)))
    return cost


_Fields = dict[tuple[str, str], tuple[Any, list[FieldNode]]]
"""The type and the nodes of each field of an object, by its name in the answer and its type's."""


class _Walk:
    """Measures one operation. `@skip` and `@include` are heeded."""

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
        self._scalars = {**SCALAR_BYTES, **pages.scalars}
        self._fragments = fragments(document)
        self._measured: dict[tuple[object, ...], Cost] = {}
        self._steps = 0

    def object(self, sets: tuple[SelectionSetNode, ...], parent: Any, page: int = 0) -> Cost:
        """The cost of one object of a type, of which all of `sets` are selected. The lists of a
        page have `page` rows."""
        key = (parent, page, *map(id, sets))
        if key not in self._measured:
            self._measured[key] = NOTHING  # validation reports a fragment that spreads itself
            total = NOTHING
            for (name, _), (of, nodes) in self.fields(sets, parent).items():
                total = total.and_(self._field(name, nodes, of, page))
            self._measured[key] = total
        return self._measured[key]

    def fields(self, sets: tuple[SelectionSetNode, ...], parent: Any) -> _Fields:
        """The fields that are selected of an object, merged."""
        fields: _Fields = {}
        spread: set[str] = set()
        for selection_set in sets:
            self.selection(selection_set, parent, fields, spread)
        return fields

    def selection(
        self, selection_set: SelectionSetNode, parent: Any, into: _Fields, spread: set[str]
    ) -> None:
        """Add what a selection set selects. Fragments in `spread` have been added already."""
        for selection in selection_set.selections:
            self._steps += 1
            at_most("selections", self._steps, MAX_STEPS)
            if self._is_included(selection):
                self._select(selection, parent, into, spread)

    def _select(
        self, selection: SelectionNode, parent: Any, into: _Fields, spread: set[str]
    ) -> None:
        match selection:
            case FieldNode(alias=alias, name=own):
                key = (own.value if alias is None else alias.value, str(parent))
                into.setdefault(key, (parent, []))[1].append(selection)
            case InlineFragmentNode(type_condition=on):
                inner = parent if on is None else self._schema.get_type(on.name.value)
                self.selection(selection.selection_set, inner, into, spread)
            case FragmentSpreadNode():
                name = selection.name.value
                definition = self._fragments.get(name)
                if definition is not None and name not in spread:
                    spread.add(name)
                    on = definition.type_condition
                    inner = self._schema.get_type(on.name.value)
                    self.selection(definition.selection_set, inner, into, spread)

    def _field(self, name: str, nodes: list[FieldNode], parent: Any, page: int) -> Cost:
        node = nodes[0]
        field = self._schema.get_field(parent, node.name.value) if _has_fields(parent) else None
        definition = None if field is None else field_behind(field)
        metadata: Mapping[Any, Any] = {} if definition is None else definition.metadata
        named: Any = None if field is None else get_named_type(field.type)
        rows, each, below = 0, 1, 0
        if field is not None and self._pages.size in field.args:
            rows = below = self._page(node, field.args[self._pages.size].default_value)
        elif field is not None and _is_list(field.type):
            in_page = self._pages.info in parent.fields
            each = page if in_page else metadata.get(MOST_ROWS, PLAIN_LIST)
            rows = each if is_composite_type(named) and not in_page else 0
        elif _has_fields(named) and self._pages.info in named.fields:
            rows = below = metadata.get(MOST_ROWS, self._pages.usual)
        own = len(name) + BETWEEN
        value = metadata.get(BYTES, self._bytes_of(named))
        reports = int(REPORT in metadata)
        sets = tuple(n.selection_set for n in nodes if n.selection_set is not None)
        if not sets:
            return Cost(rows, each, own + each * value, reports)
        one = self.object(sets, named, below)
        return Cost(
            rows + each * one.rows,
            each * one.leaves,
            own + each * (one.bytes + 2),
            reports + one.reports,
        )

    def _bytes_of(self, named: Any) -> int:
        if is_enum_type(named):
            return ENUM_BYTES
        return self._scalars.get(str(named), TEXT_BYTES)

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


def _argument(node: FieldNode | DirectiveNode, name: str) -> ValueNode | None:
    return next((a.value for a in node.arguments or () if a.name.value == name), None)


def _has_fields(parent: Any) -> bool:
    return is_object_type(parent) or is_interface_type(parent)


def _is_list(output_type: Any) -> bool:
    if is_non_null_type(output_type):
        output_type = output_type.of_type
    return is_list_type(output_type)

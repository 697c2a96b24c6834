"""Compiles a selection into functions that turn a row into the answer without graphql-core.

Only plain objects have a plan. Their fields are attributes of the row, resolvers that read only the
row and the context, links to other rows, and plain objects or lists of them. A field that takes
arguments, or has an abstract type, is not plain.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField

from gql_app.execution.runs import LINK, Complete, Link, LinkedField, NotPlain, begun
from gql_app.execution.source import Lines, Plan, Source, indented
from gql_app.execution.strawberry_private import field_behind, function_of

Collect: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList], dict[str, FieldDetailsList]]


def compile_object(
    object_type: GraphQLObjectType, details: FieldDetailsList, collect: Collect
) -> Plan:
    """The plan of a selection. Raises `NotPlain` if it is not plain."""
    compiler = _Compiler(collect)
    plan = compiler.plan(object_type, details)
    plan.weight = compiler.weight
    return plan


class _Compiler:
    """Makes the plans of a selection and of the selections within it, each once."""

    def __init__(self, collect: Collect) -> None:
        self.collect = collect
        self._plans: dict[Hashable, Plan] = {}

    @property
    def weight(self) -> int:
        """The bytes that all plans take together."""
        return sum(plan.own_weight for plan in self._plans.values())

    def plan(self, object_type: GraphQLObjectType, details: FieldDetailsList) -> Plan:
        """How objects of the type are completed."""
        key = (object_type, *[id(detail.node) for detail in details])
        if key not in self._plans:
            source = Source()
            lines, answer = _Object(self, source, "row").completed(object_type, details)
            self._plans[key] = source.plan("row", lines, answer)
        return self._plans[key]

    def value(self, output_type: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        """How a value is completed. It may be null if its type allows it."""
        complete = self.present(get_nullable_type(output_type), details)
        if is_non_null_type(output_type):
            return complete
        return lambda value, run: None if value is None else complete(value, run)

    def present(self, output_type: Any, details: FieldDetailsList) -> Complete:
        """How a value is completed that is not null."""
        if is_leaf_type(output_type):
            coerce = output_type.coerce_output_value
            return lambda value, _: _checked(coerce(value))
        if is_list_type(output_type):
            return self._list(output_type.of_type, details)
        if is_object_type(output_type):
            plan = self.plan(output_type, details)
            return lambda row, run: plan.one(row, run)  # noqa: PLW0108 - compiled then, not now
        raise NotPlain

    def _list(self, item_type: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        if is_non_null_type(item_type) and is_object_type(item_type.of_type):
            plan = self.plan(item_type.of_type, details)
            return lambda values, run: begun(plan.all, _checked_list(values), run)
        complete = self.value(item_type, details)
        return lambda values, run: [complete(value, run) for value in _checked_list(values)]


class _Object:
    """Writes the lines that turn the row in the variable `row` into an object.

    Objects within it are written into the same function, and so are the rows that it links to. The
    rows that those link to have functions of their own: otherwise the text would double with each
    level.
    """

    def __init__(
        self, compiler: _Compiler, source: Source, row: str, *, linked: bool = False
    ) -> None:
        self._compiler = compiler
        self._source = source
        self._row = row
        self._is_linked = linked
        self._lines: Lines = []
        self._links: Lines = []
        self._shown: list[str] = []
        self._answer = source.bind("answer")

    def completed(
        self, object_type: GraphQLObjectType, details: FieldDetailsList
    ) -> tuple[Lines, str]:
        """The lines, and the variable that they leave the object in. Raises `NotPlain`."""
        self._lines += self._source.checked(self._row, object_type)
        for name, own in self._compiler.collect(object_type, details).items():
            node = own[0].node
            if node.name.value == "__typename":
                self._show(name, self._source.bind("typename", object_type.name))
                continue
            field = object_type.fields.get(node.name.value)
            if field is None or field.args or node.arguments:
                raise NotPlain
            definition = _strawberry_field(field)
            link = definition.metadata.get(LINK)
            if link is None:
                self._value(name, _read(definition, self._row, self._source), field.type, own)
            else:
                self._link(name, link, field.type, own)
        shown = f"{self._answer} = {{{', '.join(self._shown)}}}"
        return [*self._lines, shown, *self._links], self._answer

    def _show(self, name: str, value: str) -> None:
        self._shown.append(f"{self._source.bind('name', name)}: {value}")

    def _value(
        self, name: str, read: str, output_type: GraphQLOutputType, details: FieldDetailsList
    ) -> None:
        """A field whose value the expression `read` gives."""
        value = self._source.bind("value")
        self._lines.append(f"{value} = {read}")
        lines = self._present(value, get_nullable_type(output_type), details)
        if not is_non_null_type(output_type):
            lines = [f"if {value} is not None:", *indented(lines)]
        self._lines += lines
        self._show(name, value)

    def _present(self, value: str, output_type: Any, details: FieldDetailsList) -> Lines:
        """Complete the value in a variable, which is not null."""
        if is_leaf_type(output_type):
            return self._source.leaf(value, output_type)
        if is_object_type(output_type):
            of_value = _Object(self._compiler, self._source, value, linked=self._is_linked)
            lines, answer = of_value.completed(output_type, details)
            return [*lines, f"{value} = {answer}"]
        complete = self._source.bind("complete", self._compiler.present(output_type, details))
        return [f"{value} = {complete}({value}, run)"]

    def _link(
        self, name: str, link: Link, output_type: GraphQLOutputType, details: FieldDetailsList
    ) -> None:
        """A field that shows another row."""
        linked_field = LinkedField(name, link, self._compiler.value(output_type, details))
        linked_type = get_nullable_type(output_type)
        if self._is_linked or not is_object_type(linked_type):
            lines: Lines = []
            shown = f"{self._source.bind('complete', linked_field.complete)}(linked, run)"
        else:
            row = self._source.bind("row")
            of_row = _Object(self._compiler, self._source, row, linked=True)
            lines, shown = of_row.completed(linked_type, details)
            lines.insert(0, f"{row} = linked")
        self._show(name, "None")
        self._links += self._source.link(self._row, self._answer, linked_field, lines, shown)


def _checked(coerced: Any) -> Any:
    if coerced is None or coerced is Undefined:
        raise NotPlain
    return coerced


def _checked_list(values: Any) -> list[Any]:
    if type(values) is not list:
        raise NotPlain
    return values


def _strawberry_field(field: GraphQLField) -> StrawberryField:
    definition = field_behind(field)
    if definition is None or definition.extensions:
        raise NotPlain
    return definition


def _read(definition: StrawberryField, row: str, source: Source) -> str:
    """The expression that reads a field's value from the row in a variable."""
    resolver = definition.base_resolver
    if resolver is None:
        return f"{row}.{definition.python_name}"
    parent, info = resolver.parent_parameter, resolver.info_parameter
    expected = [p for p in (parent, info) if p is not None]
    if (
        definition.is_async
        or parent is None
        or expected != list(resolver.signature.parameters.values())
    ):
        raise NotPlain
    call = source.bind("resolve", function_of(resolver))
    if info is None:
        return f"{call}({row})"
    return f"{call}({row}, {source.info(definition)})"

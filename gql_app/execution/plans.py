"""A selection, compiled: functions that turn a row into the answer without asking graphql-core.

Only what is plain is compiled: attributes, resolvers that look at nothing but their row and the
context, links to other rows, and objects and lists of these. An object with a field that takes
arguments, or that is of an abstract type, is not plain and has no plan.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField

from gql_app.execution.runs import LINK, Complete, Hole, NotPlain, Run

_IS_NO_TEXT = "type({0}) is not str"
_NEEDS_COERCION: dict[Any, str] = {
    GraphQLString: _IS_NO_TEXT,
    GraphQLID: _IS_NO_TEXT,
    GraphQLInt: f"type({{0}}) is not int or not {GRAPHQL_MIN_INT} <= {{0}} <= {GRAPHQL_MAX_INT}",
    GraphQLBoolean: "{0} is not True and {0} is not False",
}
"""Which values of a scalar are not shown as they are."""

Collect: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList], dict[str, FieldDetailsList]]


class Plan(NamedTuple):
    """How an object is completed from its row, and how all objects of a list are."""

    one: Complete
    all: Complete


def compile_object(
    object_type: GraphQLObjectType, details: FieldDetailsList, collect: Collect
) -> Plan:
    """The plan of a selection. Raises `NotPlain` if it is not plain."""
    source = _Source(object_type)
    for name, own in collect(object_type, details).items():
        node = own[0].node
        if node.name.value == "__typename":
            source.constant(name, object_type.name)
            continue
        field = object_type.fields.get(node.name.value)
        if field is None or field.args or node.arguments:
            raise NotPlain
        complete = _compile_value(field.type, own, collect)
        definition = _strawberry_field(field)
        if (link := definition.metadata.get(LINK)) is not None:
            source.link(name, Hole(name, link, complete))
        else:
            source.value(name, _read(definition, source), field.type, complete)
    return source.compiled()


class _Source:
    """The text of a function that completes one object, and the values that its names stand for.

    It is text because a loop over closures takes three times as long. What a client sends never
    becomes a part of it: response names are values like all others.
    """

    def __init__(self, object_type: GraphQLObjectType) -> None:
        self._scope: dict[str, Any] = {"NotPlain": NotPlain, "Undefined": Undefined}
        self._before: list[str] = []
        self._lines: list[str] = []
        self._links: list[str] = []
        self._answer: list[str] = []
        if object_type.is_type_of is not None:
            # A row is of its type by its class, so each class is asked about once.
            self._scope |= {"is_type_of": object_type.is_type_of, "passed": set()}
            self._lines += [
                "if type(row) not in passed:",
                "    if not is_type_of(row, run.info):",
                "        raise NotPlain",
                "    passed.add(type(row))",
            ]
        else:
            self._lines += ["if row is None:", "    raise NotPlain"]

    def constant(self, name: str, value: str) -> None:
        self._answer.append(f"{self.bind('name', name)}: {self.bind('constant', value)}")

    def value(
        self, name: str, read: str, output_type: GraphQLOutputType, complete: Complete
    ) -> None:
        """A field whose value the expression `read` gives."""
        value = self.bind("value", None)
        self._lines.append(f"{value} = {read}")
        if is_non_null_type(output_type):
            self._lines += self._completed(value, output_type.of_type, complete)
        else:
            inner = [f"    {line}" for line in self._completed(value, output_type, complete)]
            self._lines += [f"if {value} is not None:", *inner]
        self._answer.append(f"{self.bind('name', name)}: {value}")

    def _completed(self, value: str, output_type: Any, complete: Complete) -> list[str]:
        """Lines that complete a value that is not null: a leaf that needs no coercion at once."""
        if isinstance(output_type, GraphQLEnumType):
            names = self.bind("names", {v.value: k for k, v in output_type.values.items()})
            completed = self.bind("complete", complete)
            return [f"{value} = {names}.get({value}) or {completed}({value}, run)"]
        if needs_coercion := _NEEDS_COERCION.get(output_type):
            completed = self.bind("complete", complete)
            return [
                f"if {needs_coercion.format(value)}:",
                f"    {value} = {completed}({value}, run)",
            ]
        if is_leaf_type(output_type):
            return [
                f"{value} = {self.bind('coerce', output_type.coerce_output_value)}({value})",
                f"if {value} is None or {value} is Undefined:",
                "    raise NotPlain",
            ]
        return [f"{value} = {self.bind('complete', complete)}({value}, run)"]

    def link(self, name: str, hole: Hole) -> None:
        """A field that shows another row: at once if it has been read already."""
        bound, key = self.bind("hole", hole), self.bind("key", hole.link.key)
        complete, answer = self.bind("complete", hole.complete), self.bind("name", name)
        known = self.bind("known", None)
        self._before.append(f"{known} = run.known({bound})")
        self._answer.append(f"{answer}: None")
        self._links += [
            f"key = {key}(row)",
            f"linked = None if key is None else {known}.get(key)",
            "if key is None or linked is not None:",
            f"    answer[{answer}] = {complete}(linked, run)",
            "else:",
            f"    run.wanted[{bound}].append((key, answer))",
        ]

    def info(self, definition: StrawberryField) -> str:
        """The name of what a resolver of the field gets."""
        info, field = self.bind("info", None), self.bind("field", definition)
        self._before.append(f"{info} = run.info_for({field})")
        return info

    def compiled(self) -> Plan:
        one = [*self._lines, f"answer = {{{', '.join(self._answer)}}}", *self._links]
        lines = [
            "def complete(row, run):",
            *[f"    {line}" for line in (*self._before, *one)],
            "    return answer",
            "def complete_all(rows, run):",
            *[f"    {line}" for line in self._before],
            "    answers = []",
            "    for row in rows:",
            *[f"        {line}" for line in one],
            "        answers.append(answer)",
            "    return answers",
        ]
        exec("\n".join(lines), self._scope)  # noqa: S102 - made of nothing but the schema's own names
        return Plan(self._scope["complete"], self._scope["complete_all"])

    def bind(self, kind: str, value: Any) -> str:
        name = f"{kind}_{len(self._scope)}"
        self._scope[name] = value
        return name


def _compile_value(
    output_type: GraphQLOutputType, details: FieldDetailsList, collect: Collect
) -> Complete:
    if not is_non_null_type(output_type):
        return _or_null(_compile_non_null(output_type, details, collect))
    return _compile_non_null(output_type.of_type, details, collect)


def _compile_non_null(
    output_type: GraphQLOutputType, details: FieldDetailsList, collect: Collect
) -> Complete:
    if is_leaf_type(output_type):
        coerce = output_type.coerce_output_value
        return lambda value, _: _checked(coerce(value))
    if is_list_type(output_type):
        return _compile_list(output_type.of_type, details, collect)
    if is_object_type(output_type):
        return compile_object(output_type, details, collect).one
    raise NotPlain


def _or_null(complete: Complete) -> Complete:
    return lambda value, run: None if value is None else complete(value, run)


def _compile_list(
    item_type: GraphQLOutputType, details: FieldDetailsList, collect: Collect
) -> Complete:
    if is_non_null_type(item_type) and is_object_type(item_type.of_type):
        complete_all = compile_object(item_type.of_type, details, collect).all
    else:
        complete = _compile_value(item_type, details, collect)

        def complete_all(values: list[Any], run: Run) -> list[Any]:
            return [complete(value, run) for value in values]

    def complete_list(values: Any, run: Run) -> Any:
        if type(values) is not list:
            raise NotPlain
        return complete_all(values, run)

    return complete_list


def _checked(coerced: Any) -> Any:
    if coerced is None or coerced is Undefined:
        raise NotPlain
    return coerced


def _strawberry_field(field: GraphQLField) -> StrawberryField:
    definition = (field.extensions or {}).get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or definition.extensions:
        raise NotPlain
    return definition


def _read(definition: StrawberryField, source: _Source) -> str:
    """The expression that reads a field's value from `row`."""
    resolver = definition.base_resolver
    if resolver is None:
        return f"row.{definition.python_name}"
    parent, info = resolver.parent_parameter, resolver.info_parameter
    expected = [p for p in (parent, info) if p is not None]
    if (
        definition.is_async
        or parent is None
        or expected != list(resolver.signature.parameters.values())
    ):
        raise NotPlain
    call = source.bind("resolve", resolver._unbound_wrapped_func)  # noqa: SLF001 - as Strawberry does
    if info is None:
        return f"{call}(row)"
    return f"{call}(row, {source.info(definition)})"

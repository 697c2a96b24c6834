"""A selection, compiled: functions that turn a row into the answer without asking graphql-core.

Only what is plain is compiled: attributes, resolvers that look at nothing but their row and the
context, links to other rows, and objects and lists of these. An object with a field that takes
arguments, or that is of an abstract type, is not plain and has no plan.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLString,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry import Info
from strawberry.types.field import StrawberryField

LINK = "link"
"""The key of a `Link` in a field's metadata."""


class Link(NamedTuple):
    """A field that shows another row: `key` finds its number in this one. Through the context,
    `known` gives the rows that have been read already, and `load` those of many numbers at once."""

    key: Callable[[Any], int | None]
    known: Callable[[Any], Mapping[int, Any]]
    load: Callable[[Any, Collection[int]], Awaitable[Mapping[int, Any]]]


class NotPlain(Exception):
    """A value, or a selection, that only graphql-core knows how to complete."""


class Run:
    """One row being completed: what its closures need, and the rows that they still want."""

    __slots__ = ("_infos", "_known", "info", "wanted")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self._infos: dict[StrawberryField, Info[Any, Any]] = {}
        self._known: dict[_Hole, Mapping[int, Any]] = {}
        self.wanted: dict[_Hole, list[tuple[int, dict[str, Any]]]] = defaultdict(list)

    def info_for(self, field: StrawberryField) -> Info[Any, Any]:
        """What a resolver of the field gets: the context is right, the path is the object's."""
        info = self._infos.get(field)
        if info is None:
            info = self._infos[field] = Info(_raw_info=self.info, _field=field)
        return info

    def known(self, hole: "_Hole") -> Mapping[int, Any]:
        """The rows that have been read already, of those that the hole is for."""
        rows = self._known.get(hole)
        if rows is None:
            rows = self._known[hole] = hole.link.known(self.info.context)
        return rows

    async def fill(self) -> None:
        """Load the wanted rows, level by level, and put what they become in its place."""
        while self.wanted:
            wanted, self.wanted = self.wanted, defaultdict(list)
            async with asyncio.TaskGroup() as group:
                loading = [
                    (hole, places, group.create_task(self._load(hole, {key for key, _ in places})))
                    for hole, places in wanted.items()
                ]
            for hole, places, loaded in loading:
                rows = loaded.result()
                for key, answer in places:
                    answer[hole.name] = hole.complete(rows.get(key), self)

    async def _load(self, hole: "_Hole", keys: set[int]) -> Mapping[int, Any]:
        return await hole.link.load(self.info.context, keys)


Complete: TypeAlias = Callable[[Any, Run], Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Hole:
    """Where a linked row belongs, under which name, and how it is completed."""

    name: str
    link: Link
    complete: Complete


Collect: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList], dict[str, FieldDetailsList]]


def compile_object(
    object_type: GraphQLObjectType, details: FieldDetailsList, collect: Collect
) -> Complete:
    """How an object is completed from its row. Raises `NotPlain` if its selection is not."""
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
            source.link(name, _Hole(name, link, complete))
        else:
            source.value(name, _read(definition, source), field.type, complete)
    return source.compiled()


class _Source:
    """The text of a function that completes one object, and the values that its names stand for.

    It is text because a loop over closures takes three times as long. What a client sends never
    becomes a part of it: response names are values like all others.
    """

    def __init__(self, object_type: GraphQLObjectType) -> None:
        self._scope: dict[str, Any] = {"NotPlain": NotPlain}
        self._lines: list[str] = []
        self._links: list[str] = []
        self._answer: list[str] = []
        if object_type.is_type_of is not None:
            self._scope["is_type_of"] = object_type.is_type_of
            self._lines += ["if not is_type_of(row, run.info):", "    raise NotPlain"]
        else:
            self._lines += ["if row is None:", "    raise NotPlain"]

    def constant(self, name: str, value: str) -> None:
        self._answer.append(f"{self.bind('name', name)}: {self.bind('constant', value)}")

    def value(
        self, name: str, read: str, output_type: GraphQLOutputType, complete: Complete
    ) -> None:
        """A field whose value the expression `read` gives."""
        value, completed = self.bind("value", None), self.bind("complete", complete)
        self._lines.append(f"{value} = {read}")
        leaf = output_type.of_type if is_non_null_type(output_type) else output_type
        if leaf is GraphQLString or leaf is GraphQLID:
            self._lines += [
                f"if type({value}) is not str:",
                f"    {value} = {completed}({value}, run)",
            ]
        elif isinstance(leaf, GraphQLEnumType):
            names = self.bind("names", {v.value: k for k, v in leaf.values.items()})
            self._lines.append(f"{value} = {names}.get({value}) or {completed}({value}, run)")
        else:
            self._lines.append(f"{value} = {completed}({value}, run)")
        self._answer.append(f"{self.bind('name', name)}: {value}")

    def link(self, name: str, hole: _Hole) -> None:
        """A field that shows another row: at once if it has been read already."""
        bound, key = self.bind("hole", hole), self.bind("key", hole.link.key)
        complete, answer = self.bind("complete", hole.complete), self.bind("name", name)
        self._answer.append(f"{answer}: None")
        self._links += [
            f"key = {key}(row)",
            f"linked = None if key is None else run.known({bound}).get(key)",
            "if key is None or linked is not None:",
            f"    answer[{answer}] = {complete}(linked, run)",
            "else:",
            f"    run.wanted[{bound}].append((key, answer))",
        ]

    def compiled(self) -> Complete:
        lines = [
            "def complete(row, run):",
            *[f"    {line}" for line in self._lines],
            f"    answer = {{{', '.join(self._answer)}}}",
            *[f"    {line}" for line in self._links],
            "    return answer",
        ]
        exec("\n".join(lines), self._scope)  # noqa: S102 - made of nothing but the schema's own names
        complete: Complete = self._scope["complete"]
        return complete

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
        return _leaf(output_type)
    if is_list_type(output_type):
        return _list(_compile_value(output_type.of_type, details, collect))
    if is_object_type(output_type):
        return compile_object(output_type, details, collect)
    raise NotPlain


def _or_null(complete: Complete) -> Complete:
    return lambda value, run: None if value is None else complete(value, run)


def _list(complete: Complete) -> Complete:
    def complete_list(value: Any, run: Run) -> list[Any]:
        if type(value) is not list:
            raise NotPlain
        return [complete(item, run) for item in value]

    return complete_list


def _leaf(leaf_type: GraphQLLeafType) -> Complete:
    """As `coerce_output_value` does it, with a short way for what needs no coercion."""
    coerce = leaf_type.coerce_output_value
    if isinstance(leaf_type, GraphQLEnumType):
        by_value = {member.value: name for name, member in leaf_type.values.items()}
        return lambda value, _: by_value.get(value) or _checked(coerce(value))
    if leaf_type is GraphQLString or leaf_type is GraphQLID:
        return lambda value, _: value if type(value) is str else _checked(coerce(value))
    if leaf_type is GraphQLInt:
        return lambda value, _: (
            value
            if type(value) is int and GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT
            else _checked(coerce(value))
        )
    return lambda value, _: _checked(coerce(value))


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
    return f"{call}(row, run.info_for({source.bind('field', definition)}))"

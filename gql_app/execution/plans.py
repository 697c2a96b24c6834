"""A selection, compiled: closures that turn a row into the answer without asking graphql-core.

Only what is plain is compiled: attributes, resolvers that look at nothing but their row and the
context, links to other rows, and objects and lists of these. An object with a field that takes
arguments, or that is of an abstract type, is not plain and has no plan.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
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
    """A field that shows another row: `key` finds its number in this one, and `load` reads the rows
    of many numbers at once, through the context."""

    key: Callable[[Any], int | None]
    load: Callable[[Any, Collection[int]], Awaitable[Mapping[int, Any]]]


class NotPlain(Exception):
    """A value, or a selection, that only graphql-core knows how to complete."""


class Run:
    """One row being completed: what its closures need, and the rows that they still want."""

    __slots__ = ("info", "wanted")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self.wanted: dict[_Hole, list[tuple[int, dict[str, Any]]]] = defaultdict(list)

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
Get: TypeAlias = Callable[[Any, Run], Any]


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
    names: dict[str, None] = {}
    attributes: list[_Attribute] = []
    resolved: list[tuple[str, Get, Complete]] = []
    links: list[_Hole] = []
    for name, own in collect(object_type, details).items():
        names[name] = None
        node = own[0].node
        if node.name.value == "__typename":
            resolved.append((name, _constant(object_type.name), _as_it_is))
            continue
        field = object_type.fields.get(node.name.value)
        if field is None or field.args or node.arguments:
            raise NotPlain
        complete = _compile_value(field.type, own, collect)
        definition = _strawberry_field(field)
        if (link := definition.metadata.get(LINK)) is not None:
            links.append(_Hole(name, link, complete))
        elif definition.base_resolver is None:
            attribute = _Attribute(name, definition.python_name, _needs_nothing(field), complete)
            attributes.append(attribute)
        else:
            resolved.append((name, _getter(definition), complete))
    return _object(object_type.is_type_of, names, attributes, resolved, links)


class _Attribute(NamedTuple):
    """A field that is an attribute of the row; a value of the type `as_it_is` needs no more."""

    name: str
    of_row: str
    as_it_is: type | None
    complete: Complete


def _object(
    is_type_of: Callable[..., Any] | None,
    names: dict[str, None],
    attributes: list[_Attribute],
    resolved: list[tuple[str, Get, Complete]],
    links: list[_Hole],
) -> Complete:
    read = _attributes_of_rows([attribute.of_row for attribute in attributes])
    steps = [(a.name, a.as_it_is, a.complete) for a in attributes]

    def complete(row: Any, run: Run) -> dict[str, Any]:
        if is_type_of is not None and not is_type_of(row, run.info):
            raise NotPlain
        answer: dict[str, Any] = names.copy()  # in the order of the selection
        for (name, as_it_is, complete_value), value in zip(steps, read(row), strict=True):
            answer[name] = value if type(value) is as_it_is else complete_value(value, run)
        for name, get, complete_value in resolved:
            answer[name] = complete_value(get(row, run), run)
        for hole in links:
            key = hole.link.key(row)
            if key is None:
                answer[hole.name] = hole.complete(None, run)
            else:
                run.wanted[hole].append((key, answer))
        return answer

    return complete


def _attributes_of_rows(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda row: tuple(getattr(row, name) for name in names)


def _needs_nothing(field: GraphQLField) -> type | None:
    """The type whose values are answered as they are."""
    output_type = field.type.of_type if is_non_null_type(field.type) else field.type
    if output_type is GraphQLString or output_type is GraphQLID:
        return str
    return bool if output_type is GraphQLBoolean else None


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


def _constant(value: Any) -> Get:
    return lambda _, __: value


def _as_it_is(value: Any, _: Run) -> Any:
    return value


def _strawberry_field(field: GraphQLField) -> StrawberryField:
    definition = (field.extensions or {}).get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or definition.extensions:
        raise NotPlain
    return definition


def _getter(definition: StrawberryField) -> Get:
    resolver = definition.base_resolver
    assert resolver is not None
    parent, info = resolver.parent_parameter, resolver.info_parameter
    expected = [p for p in (parent, info) if p is not None]
    if definition.is_async or parent is None or len(expected) != len(resolver.signature.parameters):
        raise NotPlain
    call: Callable[..., Any] = resolver._unbound_wrapped_func  # noqa: SLF001 - as Strawberry calls it
    if info is None:
        return lambda row, _: call(row)
    parent_name, info_name = parent.name, info.name

    def with_info(row: Any, run: Run) -> Any:
        return call(**{parent_name: row, info_name: Info(_raw_info=run.info, _field=definition)})

    return with_info

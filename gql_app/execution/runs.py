"""Rows being completed by a plan: the rows that they link to, and what their resolvers get."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLResolveInfo
from strawberry import Info
from strawberry.types.field import StrawberryField

from gql_app.execution.strawberry_private import info_of

LINK = "link"
"""The key of a `Link` in a field's metadata."""


class Link(NamedTuple):
    """A field that shows another row, whose key this one has in the attributes `by`: its value if
    it is one, a tuple if there are several, and no key if the first is None. Through the context,
    `known` gives the rows that have been read already, and `load` those of many keys at once."""

    by: tuple[str, ...]
    known: Callable[[Any], Mapping[Hashable, Any]]
    load: Callable[[Any, Collection[Hashable]], Awaitable[Mapping[Hashable, Any]]]


class NotPlain(Exception):
    """A value, or a selection, that only graphql-core knows how to complete."""


class Run:
    """One answer in the making: what its plan needs, and the rows that are still wanted."""

    __slots__ = ("_infos", "_known", "info", "wanted")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self._infos: dict[StrawberryField, Info[Any, Any]] = {}
        self._known: dict[LinkedField, Mapping[Hashable, Any]] = {}
        self.wanted: dict[LinkedField, list[tuple[Hashable, dict[str, Any]]]] = defaultdict(list)

    def info_for(self, field: StrawberryField) -> Info[Any, Any]:
        """What a resolver of the field gets: the context is right, the path is the object's."""
        info = self._infos.get(field)
        if info is None:
            info = self._infos[field] = info_of(self.info, field)
        return info

    def known(self, linked_field: "LinkedField") -> Mapping[Hashable, Any]:
        """The rows that have been read already, of those that the field links to."""
        rows = self._known.get(linked_field)
        if rows is None:
            rows = self._known[linked_field] = linked_field.link.known(self.info.context)
        return rows

    async def fill(self) -> None:
        """Load the wanted rows, level by level, and put what they become in its place."""
        while self.wanted:
            wanted, self.wanted = self.wanted, defaultdict(list)
            async with asyncio.TaskGroup() as group:
                loading = [
                    (
                        linked_field,
                        places,
                        group.create_task(self._load(linked_field, {key for key, _ in places})),
                    )
                    for linked_field, places in wanted.items()
                ]
            for linked_field, places, loaded in loading:
                rows = loaded.result()
                for key, answer in places:
                    answer[linked_field.name] = linked_field.complete(rows.get(key), self)

    async def _load(
        self, linked_field: "LinkedField", keys: set[Hashable]
    ) -> Mapping[Hashable, Any]:
        return await linked_field.link.load(self.info.context, keys)


Complete: TypeAlias = Callable[[Any, Run], Any]


@dataclass(frozen=True, slots=True, eq=False)
class LinkedField:
    """Where a linked row belongs, under which name, and how it is completed."""

    name: str
    link: Link
    complete: Complete

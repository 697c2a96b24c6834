"""A run of a plan: which rows are still to be loaded, and what resolvers are given."""

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
    """A field that shows another row, found by the attributes `by` of this one. The value of one is
    the key; of several, a tuple of their values is. If the first is None, there is no key. Given
    the context, `known` returns the rows that were read already, and `load` reads many at once."""

    by: tuple[str, ...]
    known: Callable[[Any], Mapping[Hashable, Any]]
    load: Callable[[Any, Collection[Hashable]], Awaitable[Mapping[Hashable, Any]]]


class NotPlain(Exception):
    """A value or a selection that only graphql-core can complete."""


class Run:
    """One answer while a plan makes it: what the plan needs, and the rows that it still wants."""

    __slots__ = ("_infos", "_known", "info", "wanted")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self._infos: dict[StrawberryField, Info[Any, Any]] = {}
        self._known: dict[LinkedField, Mapping[Hashable, Any]] = {}
        self.wanted: dict[LinkedField, list[tuple[Hashable, dict[str, Any]]]] = defaultdict(list)

    def info_for(self, field: StrawberryField) -> Info[Any, Any]:
        """What a resolver of the field is given. Its path is that of the object."""
        info = self._infos.get(field)
        if info is None:
            info = self._infos[field] = info_of(self.info, field)
        return info

    def known(self, linked_field: "LinkedField") -> Mapping[Hashable, Any]:
        """The rows that the field links to and that have been read already."""
        rows = self._known.get(linked_field)
        if rows is None:
            rows = self._known[linked_field] = linked_field.link.known(self.info.context)
        return rows

    async def fill(self) -> None:
        """Load the wanted rows, level by level, and put them into the answer, completed."""
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
    """A field that shows a linked row: its name in the answer, and how the row is completed."""

    name: str
    link: Link
    complete: Complete

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


SLICE = 100
"""Objects of a list that are completed at once. Those of a longer list are completed in slices of
so many, and others take turns between."""


class NotPlain(Exception):
    """A value or a selection that only graphql-core can complete."""


class Run:
    """One answer while a plan makes it: what the plan needs, and the rows that it still wants."""

    __slots__ = ("_infos", "_known", "info", "rest", "wanted")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self._infos: dict[StrawberryField, Info[Any, Any]] = {}
        self._known: dict[LinkedField, Mapping[Hashable, Any]] = {}
        self.wanted: dict[LinkedField, list[tuple[Hashable, dict[str, Any]]]] = defaultdict(list)
        self.rest: list[Rest] = []

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left for `fill` to do."""
        return not self.wanted and not self.rest

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
        """Complete the rest of long lists. Load the wanted rows, level by level, and put them into
        the answer, completed."""
        while not self.is_complete:
            while self.rest:
                await self.rest.pop().complete(self)
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
                for number, (key, answer) in enumerate(places, 1):
                    answer[linked_field.name] = linked_field.complete(rows.get(key), self)
                    if number % SLICE == 0:
                        await asyncio.sleep(0)

    async def _load(
        self, linked_field: "LinkedField", keys: set[Hashable]
    ) -> Mapping[Hashable, Any]:
        return await linked_field.link.load(self.info.context, keys)


Complete: TypeAlias = Callable[[Any, Run], Any]


class Rest(NamedTuple):
    """The rows of a list that are still to be completed, by a function for a list of rows, and the
    answers so far."""

    complete_all: Complete
    rows: list[Any]
    answers: list[Any]

    async def complete(self, run: Run) -> None:
        """Complete them, a slice in each turn of the event loop."""
        for begin in range(len(self.answers), len(self.rows), SLICE):
            await asyncio.sleep(0)
            self.answers.extend(self.complete_all(self.rows[begin : begin + SLICE], run))


def begun(complete_all: Complete, rows: list[Any], run: Run) -> list[Any]:
    """The answers for the first rows of a list, to which `fill` adds those for the rest."""
    if len(rows) <= SLICE:
        answers: list[Any] = complete_all(rows, run)
        return answers
    rest = Rest(complete_all, rows, complete_all(rows[:SLICE], run))
    run.rest.append(rest)
    return rest.answers


@dataclass(frozen=True, slots=True, eq=False)
class LinkedField:
    """A field that shows a linked row: its name in the answer, and how the row is completed."""

    name: str
    link: Link
    complete: Complete

"""Data loaders: what a level of a query asks for one by one is read in one statement.

The viewer stands in every loader, so nothing is loaded that the key does not allow.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

from strawberry.dataloader import DataLoader

from gql_app.access import Viewer
from gql_app.work.history import (
    contacts_by_id,
    contacts_of_tasks,
    patients_by_id,
    staff_by_id,
)
from gql_app.work.queues import (
    QueueCounts,
    TaskQuery,
    queue_counts,
    tasks_by_id,
    tasks_of_patients,
    tasks_of_queues,
    visible_queues,
)
from gql_app.work.reading import Page
from models.contact import ContactRow
from models.task import TaskRow


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row")
Item = TypeVar("Item")


class PageKey(NamedTuple):
    """Which page of which parent. Parents that ask for the same page are read together."""

    parent_id: int
    first: int
    after: str | None
    query: TaskQuery | None = None


class _Batch:
    """Rows that are read together; at `done` they are known, or `error` says why not."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.error: Exception | None = None


class Rows(Generic[Row]):
    """Rows by their numbers, each read once. Unlike Strawberry's `DataLoader`, which it stands in
    for where it counts, it takes many numbers in one call and makes no future for each."""

    def __init__(
        self,
        read: Callable[[list[int]], Awaitable[list[Row]]],
        number_of: Callable[[Row], int] = attrgetter("id"),
    ) -> None:
        self._read = read
        self._number_of = number_of
        self.known: dict[int, Row | None] = {}
        self._coming: dict[int, _Batch] = {}
        self._gathering: _Batch | None = None

    def add(self, rows: Iterable[Row]) -> None:
        """Rows that have been read already."""
        self.known.update((self._number_of(row), row) for row in rows)

    async def load(self, row_id: int) -> Row | None:
        """The row, None if there is none that the key allows."""
        return (await self.load_many((row_id,)))[row_id]

    async def load_many(self, ids: Collection[int]) -> Mapping[int, Row | None]:
        """All that is known once these are."""
        missing = [i for i in ids if i not in self.known]
        if not missing:
            return self.known
        new = [i for i in missing if i not in self._coming]
        leads = bool(new) and self._gathering is None
        if leads:
            self._gathering = _Batch()
        if new:
            assert self._gathering is not None
            self._coming.update(dict.fromkeys(new, self._gathering))
        batches = {self._coming[i] for i in missing}
        if leads:
            await self._lead(self._coming[new[0]])
        for batch in batches:
            await batch.done.wait()
            if batch.error is not None:
                raise batch.error
        return self.known

    async def _lead(self, batch: _Batch) -> None:
        """Read a batch, after one turn of the loop in which others may add to it."""
        batch.error = InterruptedError("Who was to read the rows has been cancelled.")
        try:
            try:
                await asyncio.sleep(0)
            finally:
                self._gathering = None
                ids = [i for i, of in self._coming.items() if of is batch]
            found = {self._number_of(row): row for row in await self._read(ids)}
            self.known.update((i, found.get(i)) for i in ids)
            batch.error = None
        except Exception as error:
            batch.error = error
            raise
        finally:
            for i in ids:
                del self._coming[i]
            batch.done.set()


class Loaders:
    """The loaders of one operation (or of one event of a subscription)."""

    def __init__(self, viewer: Viewer, clock: Callable[[], datetime]) -> None:
        self._viewer = viewer
        self._clock = clock
        self.task = Rows(partial(tasks_by_id, viewer))
        self.contact = Rows(partial(contacts_by_id, viewer))
        self.patient = Rows(partial(patients_by_id, viewer))
        self.staff = Rows(partial(staff_by_id, viewer))
        self.queue = Rows(partial(visible_queues, viewer))
        self.counts = Rows(self._counts, attrgetter("queue_id"))
        self.contacts_of_task = DataLoader(load_fn=self._contacts_of_tasks)
        self.tasks_of_patient = DataLoader(load_fn=self._tasks_of_patients)
        self.tasks_of_queue = DataLoader(load_fn=self._tasks_of_queues)

    async def _counts(self, queue_ids: list[int]) -> list[QueueCounts]:
        return await queue_counts(self._viewer, queue_ids, self._clock())

    async def _contacts_of_tasks(self, keys: list[PageKey]) -> list[Page[ContactRow]]:
        return await _pages(
            keys, lambda ids, key: contacts_of_tasks(self._viewer, ids, key.first, key.after)
        )

    async def _tasks_of_patients(self, keys: list[PageKey]) -> list[Page[TaskRow]]:
        return await _pages(
            keys, lambda ids, key: tasks_of_patients(self._viewer, ids, key.first, key.after)
        )

    async def _tasks_of_queues(self, keys: list[PageKey]) -> list[Page[TaskRow]]:
        return await _pages(
            keys,
            lambda ids, key: tasks_of_queues(
                self._viewer, ids, key.query or TaskQuery(), key.first, key.after
            ),
        )


async def _pages(
    keys: list[PageKey],
    read: Callable[[list[int], PageKey], Awaitable[dict[int, Item]]],
) -> list[Item]:
    alike: dict[tuple[object, ...], list[PageKey]] = defaultdict(list)
    for key in keys:
        alike[key[1:]].append(key)
    found: dict[PageKey, Item] = {}
    for group in alike.values():
        pages = await read([key.parent_id for key in group], group[0])
        found.update({key: pages[key.parent_id] for key in group})
    return [found[key] for key in keys]

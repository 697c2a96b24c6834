"""Data loaders: what a level of a query asks for one by one is read in one statement.

The viewer stands in every loader, so nothing is loaded that the key does not allow.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

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


Row = TypeVar("Row", bound=HasId)
Item = TypeVar("Item")


class PageKey(NamedTuple):
    """Which page of which parent. Parents that ask for the same page are read together."""

    parent_id: int
    first: int
    after: str | None
    query: TaskQuery | None = None


class Loaders:
    """The loaders of one operation (or of one event of a subscription)."""

    def __init__(self, viewer: Viewer, clock: Callable[[], datetime]) -> None:
        self._viewer = viewer
        self._clock = clock
        self.task = DataLoader(load_fn=_by_id(viewer, tasks_by_id))
        self.contact = DataLoader(load_fn=_by_id(viewer, contacts_by_id))
        self.patient = DataLoader(load_fn=_by_id(viewer, patients_by_id))
        self.staff = DataLoader(load_fn=_by_id(viewer, staff_by_id))
        self.queue = DataLoader(load_fn=_by_id(viewer, visible_queues))
        self.counts = DataLoader(load_fn=self._counts)
        self.contacts_of_task = DataLoader(load_fn=self._contacts_of_tasks)
        self.tasks_of_patient = DataLoader(load_fn=self._tasks_of_patients)
        self.tasks_of_queue = DataLoader(load_fn=self._tasks_of_queues)

    async def _counts(self, queue_ids: list[int]) -> list[QueueCounts]:
        rows = await queue_counts(self._viewer, queue_ids, self._clock())
        found = {row.queue_id: row for row in rows}
        return [found[i] for i in queue_ids]

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


def _by_id(
    viewer: Viewer, read: Callable[[Viewer, Sequence[int]], Awaitable[list[Row]]]
) -> Callable[[list[int]], Awaitable[list[Row | None]]]:
    async def load(ids: list[int]) -> list[Row | None]:
        found = {row.id: row for row in await read(viewer, ids)}
        return [found.get(i) for i in ids]

    return load


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

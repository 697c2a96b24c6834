"""A data loader: what a level of a query asks for one by one is read in one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from operator import attrgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from gql_app.work.reads.conditions import Page
from gql_app.work.reads.task_filter import TaskQuery


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class _Batch:
    """Rows that are read together. Once it is `done`, they are known or `error` says why not; or
    neither, if the task that was reading them was cancelled."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.error: Exception | None = None


class RowLoader(Generic[Key, Row]):
    """Rows by their keys, each read once.

    Unlike Strawberry's `DataLoader`, which it stands in for, it takes many keys in one call and
    makes no future for each; and when one who waits is cancelled, as graphql-core does to the
    fields beside one that fails, the others do not notice.
    """

    def __init__(
        self,
        read: Callable[[list[Key]], Awaitable[list[Any]]],
        key_of: Callable[[Any], Key] = attrgetter("id"),
        row_of: Callable[[Any], Row] = lambda row: row,
    ) -> None:
        self._read = read
        self._key_of = key_of
        self._row_of = row_of
        self.known: dict[Key, Row | None] = {}
        self._coming: dict[Key, _Batch] = {}
        self._gathering: _Batch | None = None

    def add(self, rows: list[Row]) -> None:
        """Add rows that have been read already."""
        self.known.update(zip(map(self._key_of, rows), rows, strict=True))

    async def load(self, key: Key) -> Row | None:
        """The row, None if there is none that the scope allows."""
        return (await self.load_many((key,)))[key]

    async def load_many(self, keys: Collection[Key]) -> Mapping[Key, Row | None]:
        """Read those of the rows that are not known yet, and return all that are known."""
        while missing := [key for key in keys if key not in self.known]:
            await self._read_missing(missing)
        return self.known

    async def _read_missing(self, missing: list[Key]) -> None:
        new = [key for key in missing if key not in self._coming]
        leads = bool(new) and self._gathering is None
        if leads:
            self._gathering = _Batch()
        if new:
            assert self._gathering is not None
            self._coming.update(dict.fromkeys(new, self._gathering))
        batches = {self._coming[key] for key in missing}
        if leads:
            await self._lead(self._coming[new[0]])
        for batch in batches:
            await batch.done.wait()
            if batch.error is not None:
                raise batch.error

    async def _lead(self, batch: _Batch) -> None:
        """Read a batch, after one turn of the event loop in which others may add to it."""
        try:
            try:
                await asyncio.sleep(0)
            finally:
                self._gathering = None
                keys = [key for key, of in self._coming.items() if of is batch]
            found = {self._key_of(row): self._row_of(row) for row in await self._read(keys)}
            self.known.update((key, found.get(key)) for key in keys)
        except Exception as error:
            batch.error = error
            raise
        finally:
            for key in keys:
                del self._coming[key]
            batch.done.set()


class PageKey(NamedTuple):
    """Which page of which parent. Parents that ask for the same page are read together."""

    parent_id: int
    first: int
    after: str | None
    query: TaskQuery | None = None


class PageOf(NamedTuple):
    """A page, and which one it is."""

    key: PageKey
    page: Page[Any]


ReadPages: TypeAlias = Callable[[list[int], PageKey], Awaitable[Mapping[int, Page[Any]]]]


def page_loader(read: ReadPages) -> RowLoader[PageKey, PageOf]:
    """Make a loader of pages; `read` reads the same page of several parents."""

    async def read_alike(keys: list[PageKey]) -> list[PageOf]:
        alike: dict[tuple[object, ...], list[PageKey]] = defaultdict(list)
        for key in keys:
            alike[key[1:]].append(key)
        found: list[PageOf] = []
        for group in alike.values():
            pages = await read([key.parent_id for key in group], group[0])
            found += [PageOf(key, pages[key.parent_id]) for key in group]
        return found

    return RowLoader(read_alike, attrgetter("key"))


async def load_page(pages: RowLoader[PageKey, PageOf], key: PageKey) -> Page[Any]:
    """Load a page. Every parent has one, even if it is empty."""
    found = await pages.load(key)
    assert found is not None
    return found.page

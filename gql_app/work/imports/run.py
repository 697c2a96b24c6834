"""An import: any number of rows for one queue, a batch at a time, so that it never holds other
people's work up for long and can be cut off at any moment and run again."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

from gql_app.access import Viewer
from gql_app.work.changes import Changes
from gql_app.work.imports.batch import TWICE, RowResult, import_batch, try_batch
from gql_app.work.imports.known import ImportBatch
from gql_app.work.imports.rows import ImportResult, ImportRow, Incoming, check_row
from gql_app.work.reads.targets import Target
from models.database import take_stock
from models.refusals import Refusal

BATCH = 100
"""Rows that are brought in by one transaction."""

STRETCH = 5
"""Rows that are checked before others have a turn."""

FIRST_STOCK, STOCK_GROWTH = 1_000, 4
"""Have the database measure its tables after this many new tasks, then each time the number has
grown by this factor."""


class Import:
    """One run. It keeps a hash of each external id, to find those that come twice. On a
    trial it says what would come of the rows and changes nothing. What it makes is recorded as made
    by the import `job_id`, if there is one."""

    def __init__(
        self,
        changes: Changes,
        viewer: Viewer,
        target: Target,
        source: str,
        *,
        is_trial: bool = False,
        job_id: int | None = None,
    ) -> None:
        self._changes = changes
        self._viewer = viewer
        self._target = target
        self._source = source
        self._is_trial = is_trial
        self._job_id = job_id
        self._seen: set[int] = set()
        self._would_have_one: set[int] = set()
        self._made = 0
        self._next_stock = FIRST_STOCK

    async def take(self, rows: Sequence[ImportRow]) -> list[RowResult]:
        """Bring rows in: a result a row, in their order. Raises `Forbidden`."""
        batches = (rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH))
        return [result async for results in self.take_all(batches) for result in results]

    async def take_all(
        self, batches: Iterable[Sequence[ImportRow]]
    ) -> AsyncGenerator[list[RowResult], None]:
        """Bring batches in, a transaction each, and give the results of each. While the database is
        at work on one, the next is read and checked. Raises `Forbidden`."""
        coming = iter(batches)
        rows = next(coming, None)
        checked = await self._checked(rows or ())
        while rows is not None:
            taking = asyncio.create_task(self._take_batch(checked))
            try:
                rows = next(coming, None)
                checked = await self._checked(rows or ())
            finally:
                results = await taking
            yield results

    async def take_checked(self, rows: Sequence[Incoming | tuple[Refusal, ...]]) -> list[RowResult]:
        """Bring a batch of rows in that were checked by themselves. Raises `Forbidden`."""
        await asyncio.sleep(0)
        return await self._take_batch([self._once(row) for row in rows])

    async def _checked(self, rows: Sequence[ImportRow]) -> list[Incoming | RowResult]:
        checked = []
        for number, row in enumerate(rows):
            if number % STRETCH == 0:
                await asyncio.sleep(0)
            checked.append(self._check(row))
        return checked

    async def _take_batch(self, checked: list[Incoming | RowResult]) -> list[RowResult]:
        if not checked:
            return []
        good = [row for row in checked if isinstance(row, Incoming)]
        where, trial = (self._target, self._source), (self._is_trial, self._would_have_one)
        batch = ImportBatch(*where, good, *trial, self._job_id)
        results = await self._results(batch)
        await self._take_stock(results)
        loaded = iter(results)
        return [next(loaded) if isinstance(row, Incoming) else row for row in checked]

    async def _results(self, batch: ImportBatch) -> list[RowResult]:
        if self._is_trial:
            return await try_batch(self._viewer, batch, self._changes.clock())
        return await self._changes.make(self._viewer, import_batch, batch)

    async def _take_stock(self, results: Sequence[RowResult]) -> None:
        """Now and then, the less often the more there are."""
        if self._is_trial:
            return
        self._made += sum(result.result is ImportResult.CREATED for result in results)
        if self._made >= self._next_stock:
            self._next_stock *= STOCK_GROWTH
            await take_stock("patient", "task")

    def _check(self, row: ImportRow) -> Incoming | RowResult:
        return self._once(check_row(row, self._target))

    def _once(self, checked: Incoming | tuple[Refusal, ...]) -> Incoming | RowResult:
        """The row, unless it is wrong or has come before."""
        if not isinstance(checked, Incoming):
            return RowResult(ImportResult.REJECTED, refusals=checked)
        if hash(checked.external_id) in self._seen:
            return RowResult(ImportResult.REJECTED, refusals=(TWICE,))
        self._seen.add(hash(checked.external_id))
        return checked

"""The stream behind `queueFeed`: a snapshot, events with their counts, heartbeats, midnight."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from datetime import timedelta

from gql_app.live.feeds import EventBatch
from gql_app.schema.context import SharedContext
from gql_app.schema.feed_types import FeedRow, HeartbeatRow
from gql_app.work.reads.board import after_event, counts_at, read_board
from gql_app.work.reads.queues import QueueCounts, day_bounds
from models.chain import Position
from models.lifecycle import local_date

HEARTBEAT = timedelta(seconds=15)
FIRST_PAGE = 50


async def follow_queues(
    context: SharedContext, wanted: Sequence[int], after: Position | None
) -> AsyncGenerator[FeedRow, None]:
    """Everything that a dashboard of the queues `wanted` has to be told after a position.

    Raises `Resync` as `Feeds.batches` does.
    """
    practice_id = context.scope.practice_id
    dashboard = _Dashboard(context, wanted)

    def tell(
        row: FeedRow, position: Position, *, of_the_clock: bool = False, more: bool = False
    ) -> FeedRow:
        context.at_event(position, dashboard.today, of_the_clock=of_the_clock, more=more)
        return row

    begin = await dashboard.begin(after)
    for row in begin:
        # Together: who joined a group after the first of its counts would be told of the others.
        yield tell(row, dashboard.position, more=row is not begin[-1])
    if context.enough(dashboard.position, dashboard.today):
        return
    batches = context.services.feeds.batches(practice_id, dashboard.position, dashboard.patience)
    async with aclosing(batches):
        async for batch in batches:
            told = list(dashboard.told(batch))
            for row, position in told:
                yield tell(row, position, more=row is not told[-1][0])
            async with aclosing(dashboard.ticked(batch)) as rows:
                async for row, more in rows:
                    yield tell(row, batch.position, of_the_clock=True, more=more)
            if context.enough(batch.position, dashboard.today):
                return


class _Dashboard:
    """What one dashboard has been told: the counts of its queues at `position`, on one day."""

    def __init__(self, context: SharedContext, wanted: Sequence[int]) -> None:
        self._scope = context.scope
        self._clock = context.services.clock
        self._passed = context.services.passed
        self._wanted = wanted
        self._counts: dict[int, QueueCounts] = {}
        self.today = local_date(self._clock(), self._scope.time_zone)
        self._next_beat = self._passed() + HEARTBEAT.total_seconds()
        self.position = Position(0)

    async def begin(self, after: Position | None) -> list[FeedRow]:
        """The snapshot, or for one who comes back the counts at its cursor."""
        if after is not None:
            self.position = after
            return await self._count(after)
        board = await read_board(self._scope, self._wanted, FIRST_PAGE, self._clock())
        self.position = board.position
        self._counts = {on_board.queue.id: on_board.counts for on_board in board.queues}
        return [board]

    def told(self, batch: EventBatch) -> Iterator[tuple[FeedRow, Position]]:
        """Each event of the queues, then the counts that it leads to: of both queues, if it has
        moved its task from one to another."""
        for event in batch.events:
            touched = [queue_id for queue_id in event.queues if queue_id in self._counts]
            if touched:
                yield event, event.position
            for queue_id in touched:
                counts = after_event(self._counts[queue_id], event, self._scope, self.today)
                self._counts[queue_id] = counts
                yield counts, event.position

    async def ticked(self, batch: EventBatch) -> AsyncGenerator[tuple[FeedRow, bool], None]:
        """What the clock alone brings: the counts of a new day, and a sign of life; and whether
        more of the same follows. The counts belong together: a member that left a group between
        two of them would have some of yesterday.

        The clock is looked at when a row is asked for: a slow reader is told of the day on which it
        reads, and a heartbeat means that nothing more has come.
        """
        while local_date(self._clock(), self._scope.time_zone) != self.today:
            rows = await self._count(batch.position)
            for row in rows:
                yield row, row is not rows[-1]
        passed = self._passed()
        if passed >= self._next_beat:
            self._next_beat = passed + HEARTBEAT.total_seconds()
            yield HeartbeatRow(self._scope.practice_id, batch.position, self._clock()), False

    def patience(self) -> float:
        """Seconds until time brings something: midnight by the clock, a sign of life however that
        is set."""
        midnight = day_bounds(self.today, self._scope.time_zone)[1]
        to_midnight = (midnight - self._clock()).total_seconds()
        return max(min(self._next_beat - self._passed(), to_midnight), 0.0)

    async def _count(self, position: Position) -> list[FeedRow]:
        now = self._clock()
        self.today = local_date(now, self._scope.time_zone)
        self._counts = await counts_at(self._scope, self._wanted, position, now)
        return list(self._counts.values())

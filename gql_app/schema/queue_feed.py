"""The stream behind `queueFeed`: a snapshot, events with their counts, other queues, heartbeats,
midnight."""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import timedelta

from gql_app.access import Scope
from gql_app.live.feeds import EventBatch
from gql_app.schema.context import Services, SharedContext
from gql_app.schema.feed_types import FeedRow, HeartbeatRow, QueuesRow
from gql_app.schema.items import AsOf, Item, Items
from gql_app.work.reads.board import after_event, counts_at, read_board
from gql_app.work.reads.history import is_kept_from
from gql_app.work.reads.queues import QueueCounts, day_bounds
from models.chain import Position
from models.follow_up import local_date

HEARTBEAT = timedelta(seconds=15)
FIRST_PAGE = 50


async def follow_queues(
    context: SharedContext,
    wanted: Sequence[int] | None,
    after: Position | None,
    *,
    state_only: bool = False,
) -> Items[FeedRow]:
    """Everything that a dashboard of the queues `wanted` (None: of all that there are, or will be)
    has to be told after a position; with `state_only`, how things stand there and no more.

    Raises `Resync` as `Feeds.batches` does.
    """
    scope, services = context.scope, context.services
    dashboard = _Dashboard(scope, services, wanted)
    for item in await dashboard.begin(after):
        yield item
    if state_only:
        return
    batches = services.feeds.batches(scope.practice_id, dashboard.position, dashboard.patience)
    async with aclosing(batches):
        async for batch in batches:
            if dashboard.meets_new_queue(batch):
                for item in await dashboard.caught_up():
                    yield item
            for item in dashboard.told(batch):
                yield item
            if dashboard.is_behind(batch):
                for item in await dashboard.caught_up():
                    yield item
            async with aclosing(dashboard.ticked(batch)) as items:
                async for item in items:
                    yield item


class _Dashboard:
    """What one dashboard has been told: its queues and their counts at `position`, on one day."""

    def __init__(self, scope: Scope, services: Services, wanted: Sequence[int] | None) -> None:
        self._scope = scope
        self._clock = services.clock
        self._passed = services.passed
        self._wanted = wanted
        self._counts: dict[int, QueueCounts] = {}
        self._settings = -1  # none have been told
        self._today = local_date(self._clock(), scope.time_zone)
        self._next_beat = self._passed() + HEARTBEAT.total_seconds()
        self.position = Position(0)

    async def begin(self, after: Position | None) -> list[Item[FeedRow]]:
        """The snapshot, or the queues and their counts at the cursor of a dashboard that comes
        back: nobody knows here whether it was told of their last change."""
        if after is not None:
            self.position = after
            return await self._count(after)
        board = await read_board(self._scope, self._wanted, FIRST_PAGE, self._clock())
        self.position, self._settings = board.position, board.settings
        self._counts = {on_board.queue.id: on_board.counts for on_board in board.queues}
        return self._together([(board, board.position)])

    def meets_new_queue(self, batch: EventBatch) -> bool:
        """Whether an event is of a queue that was not there, which is to be told first."""
        return any(
            self._may_be_new(queue_id) for event in batch.events for queue_id in event.queues
        )

    def is_behind(self, batch: EventBatch) -> bool:
        """Whether the queues have been changed. That is told after the events: the last tasks leave
        a queue before it is archived."""
        return batch.settings > self._settings

    async def caught_up(self) -> list[Item[FeedRow]]:
        """The queues and their counts at the last position, if they or the day have changed: a
        queue that is archived has an event now and then. No event brings them, so they are told as
        what the clock brings is."""
        known = list(self._counts), self._as_of
        items = await self._count(self.position)
        if known == (list(self._counts), self._as_of):
            return []
        return [item._replace(of_the_clock=True) for item in items]

    def _may_be_new(self, queue_id: int) -> bool:
        if queue_id in self._counts or not self._scope.sees_queue(queue_id):
            return False
        return self._wanted is None or queue_id in self._wanted

    def told(self, batch: EventBatch) -> list[Item[FeedRow]]:
        """The events of the queues, each followed by the counts that it leads to."""
        items = self._together(list(self._rolled(batch)))
        self.position = batch.position
        return items

    async def ticked(self, batch: EventBatch) -> Items[FeedRow]:
        """What the clock alone brings: the counts of a new day, and a sign of life.

        The clock is read when a row is asked for: a slow reader is told of the day on which it
        reads, and a heartbeat means that nothing more has come.
        """
        while local_date(self._clock(), self._scope.time_zone) != self._today:
            for item in await self._count(batch.position):
                yield item._replace(of_the_clock=True)
        passed = self._passed()
        if passed >= self._next_beat:
            self._next_beat = passed + HEARTBEAT.total_seconds()
            beat = HeartbeatRow(self._scope.practice_id, batch.position, self._clock())
            yield Item(beat, batch.position, self._as_of, of_the_clock=True)

    def patience(self) -> float:
        """Seconds until time brings something: midnight by the clock, a sign of life however that
        is set."""
        midnight = day_bounds(self._today, self._scope.time_zone)[1]
        to_midnight = (midnight - self._clock()).total_seconds()
        return max(min(self._next_beat - self._passed(), to_midnight), 0.0)

    def _rolled(self, batch: EventBatch) -> Iterator[tuple[FeedRow, Position]]:
        """Each event of the queues, then the counts that it leads to: those of both queues, if it
        moved its task from one to the other."""
        for event in batch.events:
            if is_kept_from(self._scope, event):
                continue
            touched = [queue_id for queue_id in event.queues if queue_id in self._counts]
            if touched:
                yield event, event.position
            for queue_id in touched:
                counts = after_event(self._counts[queue_id], event, self._scope, self._today)
                self._counts[queue_id] = counts
                yield counts, event.position

    async def _count(self, position: Position) -> list[Item[FeedRow]]:
        """The counts at a position, on the day that it is now, and before them the queues if they
        have been changed. They are told together: a member that joined or left a group between two
        of them would have some of another day."""
        now = self._clock()
        self._today = local_date(now, self._scope.time_zone)
        found = await counts_at(self._scope, self._wanted, position, now)
        practice = found.practice
        is_new = practice.settings > self._settings or found.counts.keys() != self._counts.keys()
        self._counts, self._settings = found.counts, practice.settings
        rows: list[FeedRow] = [QueuesRow(practice, position, found.queues)] if is_new else []
        rows += found.counts.values()
        return self._together([(row, position) for row in rows])

    @property
    def _as_of(self) -> AsOf:
        return AsOf(self._today, self._settings)

    def _together(self, rows: list[tuple[FeedRow, Position]]) -> list[Item[FeedRow]]:
        """The rows, which are true at these positions now; more follow each but the last."""
        return [
            Item(row, position, self._as_of, more=number < len(rows))
            for number, (row, position) in enumerate(rows, 1)
        ]

"""What `queueFeed` sends: a snapshot, then events with the counts they lead to, and heartbeats."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NamedTuple

import strawberry

from gql_app.schema.connections import Connection
from gql_app.schema.events import TaskEvent
from gql_app.schema.queues import Queue, QueueCounts
from gql_app.schema.tasks import TaskConnection
from gql_app.schema.viewer import Practice
from gql_app.work.reads.board import Board, QueueOnBoard
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.orders import by_due
from gql_app.work.reads.practices import PracticeRow
from gql_app.work.reads.queues import QueueCounts as CountsRow
from gql_app.work.reads.queues import QueueRow
from models.chain import Position
from models.event import EventRow
from models.task import TaskRow


class HeartbeatRow(NamedTuple):
    practice_id: int
    position: Position
    at: datetime

    @property
    def seq(self) -> int:
        return self.position.seq


class QueuesRow(NamedTuple):
    """The practice and its queues as they are now, told at a position."""

    practice: PracticeRow
    position: Position
    queues: list[QueueRow]

    @property
    def seq(self) -> int:
        return self.position.seq


@strawberry.type(name="QueueOnBoard", description="A queue as it is at the snapshot's cursor.")
class QueueOnBoardType:
    @strawberry.field(graphql_type=Queue)
    def queue(parent: strawberry.Parent[QueueOnBoard]) -> QueueRow:
        return parent.queue

    @strawberry.field(graphql_type=QueueCounts)
    def counts(parent: strawberry.Parent[QueueOnBoard]) -> CountsRow:
        return parent.counts

    @strawberry.field(graphql_type=TaskConnection, description="The first page of its tasks.")
    def tasks(parent: strawberry.Parent[QueueOnBoard]) -> Connection[TaskRow]:
        return Connection(parent.page, by_due)


@strawberry.type(description="Each queue with its counts and first page, true at one cursor.")
class QueueSnapshot:
    seq: int

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, Board)

    @strawberry.field(description="The stream goes on after it.")
    def cursor(parent: strawberry.Parent[Board]) -> str:
        return event_cursor(parent.practice_id, parent.position)

    @strawberry.field(graphql_type=list[QueueOnBoardType])
    def queues(parent: strawberry.Parent[Board]) -> list[QueueOnBoard]:
        return parent.queues


@strawberry.type(
    description="The practice or its queues were changed. Queues that are not named are archived;"
    " the counts of all others follow."
)
class QueuesChanged:
    seq: int = strawberry.field(description="The number of the last event before it.")

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, QueuesRow)

    @strawberry.field(description="The stream goes on after it.")
    def cursor(parent: strawberry.Parent[QueuesRow]) -> str:
        return event_cursor(parent.practice.id, parent.position)

    @strawberry.field(graphql_type=Practice, description="The practice as it is now.")
    def practice(parent: strawberry.Parent[QueuesRow]) -> PracticeRow:
        return parent.practice

    @strawberry.field(
        graphql_type=list[Queue], description="The queues of the stream, in their order."
    )
    def queues(parent: strawberry.Parent[QueuesRow]) -> list[QueueRow]:
        return parent.queues


@strawberry.type(description="A sign of life: nothing up to this cursor is still to come.")
class Heartbeat:
    seq: int
    at: datetime

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, HeartbeatRow)

    @strawberry.field
    def cursor(parent: strawberry.Parent[HeartbeatRow]) -> str:
        return event_cursor(parent.practice_id, parent.position)


FeedRow = Board | EventRow | CountsRow | QueuesRow | HeartbeatRow

QueueFeedMessage = Annotated[
    QueueSnapshot | TaskEvent | QueueCounts | QueuesChanged | Heartbeat,
    strawberry.union("QueueFeedMessage"),
]


def patients_in(row: FeedRow) -> Iterable[int]:
    """Whose data is in what a subscription sends, but for rows that it links to."""
    if isinstance(row, EventRow):
        return (row.patient_id,)
    if isinstance(row, Board):
        return {task.patient_id for queue in row.queues for task in queue.page.rows}
    return ()

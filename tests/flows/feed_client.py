"""A client of `queueFeed`: the operations that it sends, and how it reads what comes."""

from typing import Any

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.task import Task
from tests.schema.documents import CREATE_TASK
from tests.serving import Server, TestSocket

FIGURES = "seq open notContacted inProgress dueToday overdue closedToday"
TASK = "id status followUp version contactCount"
PAGE = f"edges {{ cursor node {{ {TASK} }} }} pageInfo {{ hasNextPage endCursor }}"

FRESH = f"{{ queues {{ id counts {{ {FIGURES} }} tasks {{ {PAGE} }} }} }}"

FEED = f"""
subscription Feed($queueIds: [ID!], $after: String) {{
  queueFeed(queueIds: $queueIds, after: $after) {{
    __typename
    ... on QueueSnapshot {{
      cursor seq queues {{ queue {{ id }} counts {{ {FIGURES} }} tasks {{ {PAGE} }} }}
    }}
    ... on TaskEvent {{ cursor seq kind contact {{ notes }} task {{ {TASK} queue {{ id }} }} }}
    ... on QueueCounts {{ {FIGURES} queue {{ id }} }}
    ... on Heartbeat {{ cursor seq at }}
  }}
}}
"""

Message = dict[str, Any]

ENDS = {"close": True, "followUp": None}
"""For a log: this one closes the task."""


async def next_message(socket: TestSocket, expected: str) -> Message:
    message: Message = (await socket.next_data())["queueFeed"]
    assert message.pop("__typename") == expected, message
    return message


async def next_event(socket: TestSocket) -> tuple[Message, Message]:
    """The next event, and the counts that come right behind it."""
    return await next_message(socket, "TaskEvent"), await next_message(socket, "QueueCounts")


async def fresh_counts(server: Server) -> dict[str, Message]:
    return {queue["id"]: queue["counts"] for queue in (await server.data(FRESH))["queues"]}


async def create_over_http(server: Server, **given: Any) -> Task:
    office = server.office
    new = {
        "queueId": global_id("Queue", office.missed.id),
        "patientId": global_id("Patient", office.patients[0].id),
        "reason": "Missed the cleaning",
    }
    payload = (await server.data(CREATE_TASK, "supervisor", input=new | given))["createTask"]
    assert not payload["errors"], payload
    return await Task.all().order_by("-id").first()  # type: ignore[return-value]


def counts_of(snapshot: Message) -> dict[str, Message]:
    return {shown["queue"]["id"]: shown["counts"] for shown in snapshot["queues"]}


def without_queue(counts: Message) -> Message:
    return {name: value for name, value in counts.items() if name != "queue"}


def without_seq(counts: dict[str, Message]) -> dict[str, Message]:
    """The figures of each queue, whichever event it was that last changed them."""
    return {queue: row | {"seq": 0} for queue, row in counts.items()}


def cursor(server: Server, seq: int) -> str:
    return event_cursor(server.office.practice.id, Position(seq))

"""What graphql-core does in place of compiled plans is counted, by the reason."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from gql_app.execution import compiled
from gql_app.execution.fallbacks import FAILED, NOT_PLAIN
from gql_app.execution.memory import Schema
from gql_app.schema import build_schema, loaders
from gql_app.schema.ids import global_id
from gql_app.schema.items import Start
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.execution.published import published
from tests.execution.ways import ALL, Ways
from tests.office import task_id
from tests.serving import PATIENCE

PUBLISHED = dict(published())

BY_DESIGN = {
    *("Viewer", "Queue", "Patient", "Task"),
    *("ClaimTaskPayload", "LogContactPayload", "PostponeTaskPayload"),
    "ResumeTaskPayload",
}
"""Of what the dashboard asks, no plan knows three things: the tasks that one has claimed, who is at
work in a queue, and pages of a patient's contacts and tasks."""

OWN = {"endSession": "Session", "removePasskey": "Passkey"}
"""Mutations that take the id of something else than a task."""

QUEUES = "{ queues { name counts { open } } }"


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_we_publish_is_completed_by_plans(ways: Ways, name: str) -> None:
    schema = build_schema()
    document, variables = with_ids(ways, PUBLISHED[name])
    is_stream = document.startswith("subscription")
    if is_stream:
        ways.run(follow(schema, document, ways))
    else:
        assert not ways.answer(schema, document, "admin", **variables)["errors"]
    allowed = BY_DESIGN if name.startswith("documents.js") and not is_stream else set()
    if "practice" in document and not is_stream:  # its row is read, for its name and region
        allowed = allowed | {"Viewer"}
    assert set(schema.memory.fallbacks.counts) <= {(NOT_PLAIN, of) for of in allowed}


def test_what_has_no_plan_is_counted_each_time(ways: Ways) -> None:
    schema = build_schema()
    for _ in range(2):
        ways.answer(schema, "{ viewer { claimed { id } } queues { name } }")
    assert schema.memory.fallbacks.counts == {(NOT_PLAIN, "Viewer"): 2}
    assert schema.memory.fallbacks.by_reason() == {NOT_PLAIN: 2, FAILED: 0}


def test_a_broken_plan_is_counted_and_said_once_and_the_answer_is_the_same(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = ways.answer(ways.plain, QUEUES)
    break_plans(monkeypatch)
    schema = build_schema()
    assert [ways.answer(schema, QUEUES) for _ in range(2)] == [expected] * 2
    queues = len(expected["data"]["queues"])
    # Both the queue's plan and, once graphql-core goes through its fields, that of the counts.
    assert schema.memory.fallbacks.counts == {
        (FAILED, "Queue"): 2 * queues,
        (FAILED, "QueueCounts"): 2 * queues,
    }
    said = [record for record in caplog.records if record.name.endswith("fallbacks")]
    assert [record.getMessage() for record in said] == [
        "a plan of Queue failed: ZeroDivisionError",
        "a plan of QueueCounts failed: ZeroDivisionError",
    ]


def test_rows_that_cannot_be_loaded_for_a_plan_are_counted(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> list[Any]:
        raise OSError("The database is away.")

    monkeypatch.setattr(loaders, "staff_by_id", fail)
    schema = build_schema()
    answer = ways.answer(
        schema, f"{{ tasks({ALL}) {{ nodes {{ lastContact {{ loggedBy {{ id }} }} }} }} }}"
    )
    assert answer["errors"]
    assert schema.memory.fallbacks.counts[FAILED, "TaskConnection"] == 1
    assert "a plan of TaskConnection failed: OSError" in caplog.messages


@pytest.mark.parametrize("broken", ["plans", "root"])
def test_the_events_of_a_subscription_are_counted(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "plans":
        break_plans(monkeypatch)
    else:
        monkeypatch.setattr(compiled, "root_of", raise_it)
    schema = build_schema()
    ways.run(follow(schema, "subscription { taskStatusChanged { seq } }", ways, events=4))
    counts = schema.memory.fallbacks.counts
    if broken == "plans":
        assert counts == {(FAILED, "Subscription"): 4, (FAILED, "TaskEvent"): 4}
    else:
        assert counts == {(FAILED, "Subscription"): 1}, "the root is looked for once"


def break_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every plan that is made from now on raises when it is followed."""

    class Broken:
        one = staticmethod(raise_it)
        weight = 0

    monkeypatch.setattr(compiled, "compile_object", lambda *_: Broken)


def raise_it(*_: object) -> Any:
    raise ZeroDivisionError("patient data")


def with_ids(ways: Ways, document: str) -> tuple[str, dict[str, Any]]:
    """The document, with what it leaves open, and variables for it."""
    task, queue = (
        task_id(ways.run(ways.office.make_task())),
        global_id("Queue", ways.office.recall.id),
    )
    contact_id = global_id("Contact", 1)
    other = ways.run(ways.office.make_task()) if "$other" in document else None
    for place, known in (
        ('patientId: "…"', f'patientId: "{global_id("Patient", ways.office.patients[0].id)}"'),
        ('ids: ["…"]', f'ids: ["{task}"]'),
        ('contactId: "…"', f'contactId: "{contact_id}"'),
        ('taskId: "…"', f'taskId: "{task}"'),
        ("…", queue),
    ):
        document = document.replace(place, known)
    today, tomorrow = ((ways.office.today + timedelta(days=days)).isoformat() for days in (0, 1))
    contact = {"outcome": "NO_ANSWER", "followUp": tomorrow, "on": tomorrow, "close": False}
    page = {"orderBy": "DUE", "first": 50, "day": today, "search": "Testwell"}
    own = next((global_id(kind, 1) for field, kind in OWN.items() if field in document), task)
    texts = {"notes": "Call back", "reason": "Asked for it"}
    ids = {"id": own, "taskId": task, "contactId": contact_id}
    if other is not None:
        ids |= {"task": task, "other": task_id(other)}
    return document, {**ids, **texts, **contact, **page}


async def follow(schema: Schema, document: str, ways: Ways, events: int = 15) -> None:
    """Take some messages, and a snapshot if there is one."""
    beginning = event_cursor(ways.office.practice.id, Position(0))
    starts: list[tuple[str | None, int]] = [(beginning, events)]
    if "queueFeed" in document:
        starts.append((None, 1))
    for start, messages in starts:
        context = ways.context("supervisor")
        stream: Any = await schema.subscribe(document, None, context, Start(cursor=start))
        async with asyncio.timeout(PATIENCE), aclosing(stream):
            for _ in range(messages):
                assert not (await anext(stream)).errors

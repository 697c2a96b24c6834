"""Mutations and subscriptions are the same whether compiled or executed graphql-core's own way."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from graphql.execution.executor import Executor

from gql_app.execution.compiled import CompiledExecutor
from gql_app.schema import loaders
from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.contact import Contact
from models.task import Task
from tests.execution.ways import Ways
from tests.office import Office, task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT, QUEUE_FEED, STATUS_CHANGED


def attempt(office: Office, task: Task, **given: Any) -> dict[str, Any]:
    tomorrow = (office.today + timedelta(days=1)).isoformat()
    return {"taskId": task_id(task), "outcome": "NO_ANSWER", "followUp": tomorrow} | given


def contacts_on(ways: Ways, task: Task) -> int:
    return ways.run(Contact.filter(practice_id=task.practice_id, task_id=task.id).count())


def test_a_payload_is_the_same_both_ways_and_the_contact_is_stored_once(ways: Ways) -> None:
    task = ways.run(ways.office.make_task())
    # With a key, the second way is told what came of the first.
    given = attempt(ways.office, task, notes="Call back", idempotencyKey=uuid4().hex)
    payload = ways.data(LOG_CONTACT, **given)["logContact"]
    assert payload["contact"]["notes"] == "Call back"
    assert contacts_on(ways, task) == 1


@pytest.mark.parametrize(
    "refused", [{"followUp": None}, {"followUp": "2000-01-01"}, {"expectedVersion": 7}]
)
def test_a_refusal_is_the_same_both_ways(ways: Ways, refused: dict[str, Any]) -> None:
    task = ways.run(ways.office.make_task())
    payload = ways.data(LOG_CONTACT, **attempt(ways.office, task, **refused))["logContact"]
    assert payload["errors"]
    assert contacts_on(ways, task) == 0


@pytest.mark.parametrize("goes", ["finds none", "fails"])
def test_a_contact_is_stored_once_though_its_payload_cannot_be_shown(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, goes: str
) -> None:
    async def nobody(*_: object) -> list[Any]:
        if goes == "fails":
            raise OSError("The database is away.")
        return []

    monkeypatch.setattr(loaders, "staff_by_id", nobody)
    for schema in (ways.compiled, ways.plain):
        task = ways.run(ways.office.make_task())
        result = ways.answer(schema, LOG_CONTACT, **attempt(ways.office, task))
        assert [error["path"] for error in result["errors"]] == [
            ["logContact", "contact", "loggedBy"]
        ]
        assert result["data"]["logContact"]["contact"] is None
        assert result["data"]["logContact"]["task"]["contactCount"] == 1
        assert contacts_on(ways, task) == 1
    ways.same(LOG_CONTACT, **attempt(ways.office, task, idempotencyKey=uuid4().hex))
    assert contacts_on(ways, task) == 2


def test_a_new_task_is_the_same_both_ways(ways: Ways) -> None:
    given = {
        "queueId": global_id("Queue", ways.office.recall.id),
        "patientId": global_id("Patient", ways.office.patients[0].id),
        "reason": "Cleaning overdue",
        "idempotencyKey": uuid4().hex,
    }
    made = ways.data(CREATE_TASK, "supervisor", input=given)["createTask"]
    assert made["task"]["queue"] == {"name": ways.office.recall.name}
    refused = ways.data(
        CREATE_TASK, "supervisor", input=given | {"reason": "", "idempotencyKey": "1"}
    )
    assert refused["createTask"]["task"] is None


@pytest.mark.parametrize("document", [STATUS_CHANGED, QUEUE_FEED], ids=["events", "feed"])
@pytest.mark.parametrize("broken_read", [None, "staff_by_id", "visible_queues", "contacts_of"])
def test_messages_are_the_same_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, document: str, broken_read: str | None
) -> None:
    async def fail(*_: object) -> list[Any]:
        raise OSError("The database is away.")

    if broken_read is not None:
        monkeypatch.setattr(loaders, broken_read, fail)
    seen = ways.messages(document, event_cursor(ways.office.practice.id, Position(0)), 15)
    assert len(set(seen)) == 15 or broken_read
    if document is QUEUE_FEED:
        (snapshot,) = ways.messages(document, "", 1)
        assert broken_read or "Reason" not in snapshot


@pytest.mark.parametrize("document", [STATUS_CHANGED, QUEUE_FEED], ids=["events", "feed"])
def test_an_event_is_completed_without_executing_its_document_from_the_root(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    executed: list[bool] = []
    execute = Executor.execute_root_grouped_field_set

    def note(self: Any, *given: Any) -> Any:
        executed.append(isinstance(self, CompiledExecutor))
        return execute(self, *given)

    monkeypatch.setattr(Executor, "execute_root_grouped_field_set", note)
    ways.messages(document, event_cursor(ways.office.practice.id, Position(0)), 15)
    assert executed.count(False) >= 15
    assert executed.count(True) == 0


def test_a_subscription_with_an_alias_and_directives_is_the_same_both_ways(ways: Ways) -> None:
    document = """subscription ($after: String, $no: Boolean = false) {
        told: taskStatusChanged(after: $after) { __typename ...Of
            task @include(if: $no) { id } } }
        fragment Of on TaskEvent { seq again: seq task { reason @skip(if: true) id } }"""
    seen = ways.messages(document, event_cursor(ways.office.practice.id, Position(0)), 5)
    assert all('"told"' in message and '"reason"' not in message for message in seen)

"""Nothing is read or written without a key, nor beyond the key's practice."""

from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLNonNull,
    Undefined,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from gql_app.execution.strawberry_private import core_schema
from gql_app.schema import build_schema
from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import due_cursor, event_cursor, id_cursor
from models.chain import Position
from models.contact import Contact
from models.lifecycle import ContactOutcome
from models.task import Task
from tests.office import Office, make_office
from tests.schema.documents import LOG_CONTACT, QUEUE_FEED, STATUS_CHANGED
from tests.serving import Server

SCHEMA = core_schema(build_schema())

MISSING = 999_999
"""The number of a row that no table has."""


def literal(of_type: Any) -> str:
    """Some value of an input type."""
    named = get_named_type(of_type)
    if isinstance(named, GraphQLInputObjectType):
        return "{" + ", ".join(arguments(named.fields)) + "}"
    if hasattr(named, "values"):
        return str(next(iter(named.values)))
    values = {
        "ID": '"VGFzazox"',
        "Int": "1",
        "Boolean": "true",
        "Date": '"2026-12-24"',
        "DateTime": '"2026-12-24T17:00:00Z"',
    }
    return values.get(named.name, '"x"')


def arguments(given: dict[str, Any]) -> list[str]:
    """What must be given, name by name."""
    return [
        f"{name}: {literal(argument.type)}"
        for name, argument in given.items()
        if isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
    ]


def root_fields() -> dict[str, str]:
    """A document for each field of Query, Mutation and Subscription."""
    documents = {}
    for kind in ("query", "mutation", "subscription"):
        root = getattr(SCHEMA, f"{kind}_type")
        for name, field in root.fields.items():
            given = arguments(field.args)
            call = f"{name}({', '.join(given)})" if given else name
            below = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
            documents[f"{root.name}.{name}"] = f"{kind} {{ {call}{below} }}"
    return documents


ROOT_FIELDS = root_fields()


def test_the_walk_meets_every_root_field_with_a_valid_document() -> None:
    assert len(ROOT_FIELDS) >= 11
    assert {"Query.node", "Mutation.createTask", "Subscription.taskStatusChanged"} <= set(
        ROOT_FIELDS
    )
    for document in ROOT_FIELDS.values():
        assert validate(SCHEMA, parse(document)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_root_field_is_answered_without_a_key(server: Server) -> None:
    documents = {**ROOT_FIELDS, "__schema": "{ __schema { __typename } }"}
    for number, (name, document) in enumerate(documents.items()):
        here = (
            f"192.0.2.{number}"  # who sends one wrong key after the other is not answered for long
        )
        for accept in ("application/json", "text/event-stream"):
            for key in (None, f"cb_{number}_wrong"):
                answer = await server.post(
                    {"query": document}, key, accept=accept, x_forwarded_for=here
                )
                assert answer.status_code == 401, name
                assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
                assert "data" not in answer.json()
        async with server.socket(init=False) as socket:
            await socket.subscribe(document)
            assert (await socket.closed())[0] == 4401, name
            assert socket.messages.empty()
        async with server.socket(init=False) as socket:
            await socket.send({"type": "connection_init"})
            await socket.subscribe(document)
            assert (await socket.closed())[0] == 4403, name
            assert socket.messages.empty()


@dataclass
class Elsewhere:
    """Another practice, with something of everything in it."""

    office: Office
    task: Task
    contact: Contact

    def ids(self) -> dict[str, int]:
        return {
            "Task": self.task.id,
            "Contact": self.contact.id,
            "Queue": self.office.recall.id,
            "Patient": self.office.patients[0].id,
            "Staff": self.office.staff.staff_id,
        }


@pytest.fixture
async def elsewhere(server: Server) -> Elsewhere:
    await server.office.log(await server.office.make_task())
    office = await make_office("birch")
    task = await office.make_task()
    await office.log(task, notes="secret")
    return Elsewhere(office, task, await Contact.get(task_id=task.id))


async def same_answer(server: Server, query: str, foreign: str, missing: str, **given: Any) -> Any:
    """The answer to a request that names something of another practice, which must be what it is
    for something that is not there at all."""
    answers = [
        await server.execute(query, "supervisor", id=value, **given) for value in (foreign, missing)
    ]
    assert answers[0] == answers[1]
    return answers[0]


async def test_what_belongs_to_another_practice_is_as_good_as_missing(
    server: Server, elsewhere: Elsewhere
) -> None:
    for name, row_id in elsewhere.ids().items():
        here = await server.data(
            "query ($id: ID!) { node(id: $id) { id } }", id=global_id(name, 1), role="staff"
        )
        assert here["node"] == {"id": global_id(name, 1)}, "the look-up itself works"
        foreign, missing = global_id(name, row_id), global_id(name, MISSING)
        query = "query ($id: ID!) { node(id: $id) { id __typename } }"
        assert await same_answer(server, query, foreign, missing) == {"data": {"node": None}}
        if name in ("Task", "Queue", "Patient"):
            field = name.lower()
            query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
            assert await same_answer(server, query, foreign, missing) == {"data": {field: None}}
        if name == "Queue":
            for query in (
                "query ($id: ID!) { tasks(filter: {queueIds: [$id]}) { nodes { id } } }",
                "query ($id: ID!) { events(queueIds: [$id]) { nodes { seq } } }",
            ):
                answer = await same_answer(server, query, foreign, missing)
                assert all(page == {"nodes": []} for page in answer["data"].values())


async def test_lists_show_this_practice_alone(server: Server, elsewhere: Elsewhere) -> None:
    lists = await server.data("""{
        queues { id tasks { nodes { id contacts { nodes { id } } } } }
        tasks { nodes { id } } events { nodes { seq task { id } } } viewer { queues { id } } }""")
    shown = str(lists)
    assert global_id("Task", 1) in shown
    for name, row_id in elsewhere.ids().items():
        assert global_id(name, row_id) not in shown


async def test_mutations_do_not_reach_another_practice(
    server: Server, elsewhere: Elsewhere
) -> None:
    ids = elsewhere.ids()
    log = LOG_CONTACT.replace("$taskId", "$id")
    foreign, missing = global_id("Task", ids["Task"]), global_id("Task", MISSING)
    given = {"outcome": "SCHEDULED", "close": True}
    answer = await same_answer(server, log, foreign, missing, **given)
    assert answer["data"]["logContact"]["task"] is None
    assert [error["code"] for error in answer["data"]["logContact"]["errors"]] == ["NOT_FOUND"]
    for name, other in (("Queue", "Patient"), ("Patient", "Queue")):
        create = f"""mutation ($id: ID!) {{ createTask(input: {{{name.lower()}Id: $id,
            {other.lower()}Id: "{global_id(other, 1)}", reason: "x"}})
            {{ task {{ id }} errors {{ code field }} }} }}"""
        foreign, missing = global_id(name, ids[name]), global_id(name, MISSING)
        answer = await same_answer(server, create, foreign, missing)
        assert answer["data"]["createTask"]["task"] is None
        assert answer["data"]["createTask"]["errors"][0]["code"] == "NOT_FOUND"
    assert await Task.all().count() == 2
    assert await Contact.all().count() == 2
    await elsewhere.task.refresh_from_db()
    assert elsewhere.task.version == 2


async def test_cursors_of_another_practice_are_garbage(
    server: Server, elsewhere: Elsewhere
) -> None:
    there = elsewhere.office.practice.id
    for query, cursor in (
        ("tasks(after: $id) { nodes { id } }", due_cursor(there, elsewhere.task.due_on, 0)),
        ("tasks(orderBy: CREATED, after: $id) { nodes { id } }", id_cursor(there, 9)),
        ("events(after: $id) { nodes { seq } }", event_cursor(there, Position(0))),
    ):
        answer = await same_answer(
            server, f"query ($id: String!) {{ {query} }}", cursor, cursor[::-1]
        )
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("stream", [STATUS_CHANGED, QUEUE_FEED], ids=["changes", "feed"])
async def test_streams_refuse_what_is_of_another_practice(
    server: Server, elsewhere: Elsewhere, stream: str
) -> None:
    ids, there = elsewhere.ids(), elsewhere.office.practice.id
    async with server.socket() as socket:
        refused = []
        for given in (
            {"queueIds": [global_id("Queue", ids["Queue"])]},
            {"queueIds": [global_id("Queue", MISSING)]},
            {"after": event_cursor(there, Position(0))},
            {"after": "garbage"},
        ):
            await socket.subscribe(stream, **given)
            message = await socket.next()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            refused.append(message)
        assert refused[0] == refused[1]
        assert refused[2] == refused[3]


async def test_streams_do_not_send_what_happens_elsewhere(
    server: Server, elsewhere: Elsewhere
) -> None:
    ids, there = elsewhere.ids(), elsewhere.office.practice.id
    async with server.socket() as socket:
        await socket.subscribe(QUEUE_FEED)
        snapshot = (await socket.next_data())["queueFeed"]
        for name, row_id in ids.items():
            assert global_id(name, row_id) not in str(snapshot)
        assert global_id("Task", 1) in str(snapshot)
        here = server.office.practice.id
        await socket.subscribe(STATUS_CHANGED, "changes", after=event_cursor(here, Position(0)))
        seqs = [(await socket.next_data())["taskStatusChanged"]["seq"] for _ in range(2)]
        assert seqs == [1, 2]
        async with server.socket(elsewhere.office.keys["staff"]) as other:
            await other.subscribe(STATUS_CHANGED, after=event_cursor(there, Position(1)))
            assert (await other.next_data())["taskStatusChanged"]["contact"]["notes"] == "secret"
            given = {"taskId": global_id("Task", ids["Task"]), "outcome": ContactOutcome.SCHEDULED}
            await other.subscribe(LOG_CONTACT, "log", close=True, **given)
            assert {(await other.next())["type"] for _ in range(3)} == {"next", "complete"}
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}, "what happens elsewhere is not sent"


async def test_the_answer_for_a_missing_task_is_no_different_with_an_idempotency_key(
    server: Server, elsewhere: Elsewhere
) -> None:
    foreign = global_id("Task", elsewhere.task.id)
    given = {"outcome": "SCHEDULED", "close": True, "idempotencyKey": "k"}
    log = LOG_CONTACT.replace("$taskId", "$id")
    await same_answer(server, log, foreign, global_id("Task", MISSING), **given)

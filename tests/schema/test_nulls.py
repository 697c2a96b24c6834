"""A null argument is as if it were not given, wherever an argument may be left out."""

import re
from typing import Any

import pytest
from graphql import (
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from gql_app.schema.ids import global_id
from tests.office import task_id
from tests.schema.walk import SCHEMA, root_fields
from tests.serving import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PYTHON = re.compile(r"INTERNAL|\b(None|NoneType|True|False|Traceback|isoformat)\b")
SAMPLES = {"String": "x", "Int": 1, "Boolean": True, "Date": "2026-11-27"} | {
    "DateTime": "2026-11-27T12:00:00Z"
}
INNER = """{ queues { tasks(filter: NULL, first: NULL, after: NULL) { nodes {
    id contacts(first: NULL, after: NULL) { nodes { id } }
    patient { tasks(first: NULL, after: NULL) { nodes { id } } } } } } }"""


def sample(of_type: Any, ids: dict[str, str], name: str = "") -> Any:
    """A value of the type: null wherever it may be."""
    if not is_non_null_type(of_type):
        return None
    of_type = of_type.of_type
    if is_list_type(of_type):
        return [sample(of_type.of_type, ids, name)]
    if is_input_object_type(of_type):
        return {n: sample(field.type, ids, n) for n, field in of_type.fields.items()}
    if is_enum_type(of_type):
        return next(iter(of_type.values))
    return ids.get(name, ids["task"]) if of_type.name == "ID" else SAMPLES[of_type.name]


def arguments(kind: str, name: str, ids: dict[str, str]) -> dict[str, Any]:
    """The arguments of a root field: null wherever they may be."""
    field = getattr(SCHEMA, f"{kind}_type").fields[name]
    given = {n: sample(a.type, ids, name if n == "id" else n) for n, a in field.args.items()}
    if "externalId" in given and "id" in given:  # one of the two is needed
        given["id"] = ids[name]
    return given


def document(kind: str, name: str, given: dict[str, Any]) -> str:
    """An operation on one root field, with the arguments that are given as variables."""
    field = getattr(SCHEMA, f"{kind}_type").fields[name]
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    below = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return (
        f"{kind} ({declared}) {{ {name}({passed}) {below} }}" if given else f"{{ {name} {below} }}"
    )


async def ids_of(server: Server) -> dict[str, str]:
    queue = global_id("Queue", server.office.recall.id)
    patient = global_id("Patient", server.office.patients[0].id)
    task = task_id(await server.office.make_task())
    appointment = global_id("Appointment", 1)
    return {
        "task": task,
        "cancelAppointment": appointment,
        "setAppointmentStatus": appointment,
        "queue": queue,
        "queueId": queue,
        "patient": patient,
        "patientId": patient,
        "importJob": global_id("ImportJob", 1),
        "importId": global_id("ImportJob", 1),
    }


async def test_a_query_answers_nulls_as_it_does_what_is_not_given(server: Server) -> None:
    ids = await ids_of(server)
    for name in root_fields("query"):
        nulls = arguments("query", name, ids)
        given = {n: value for n, value in nulls.items() if value is not None}
        answers = [
            await server.execute(document("query", name, values), "admin", **values)
            for values in (nulls, given)
        ]
        for answer in answers:
            assert "errors" not in answer, answer
        if name != "audit":  # it grows by being read
            assert answers[0] == answers[1]
    with_nulls = await server.data(INNER.replace("NULL", "null"))
    assert with_nulls == await server.data(re.sub(r"\([^)]*\)", "", INNER))
    assert with_nulls["queues"][0]["tasks"]["nodes"]


async def test_a_mutation_takes_nulls_wherever_something_may_be_left_out(server: Server) -> None:
    ids = await ids_of(server)
    for name in root_fields("mutation"):
        nulls = arguments("mutation", name, ids)
        body = {"query": document("mutation", name, nulls), "variables": nulls}
        answer = (await server.post(body, server.office.keys["supervisor"])).text
        assert not PYTHON.search(answer), (name, answer)
        assert "not to be null" not in answer, (name, answer)


async def test_null_where_it_may_not_be_is_refused_in_the_clients_words(server: Server) -> None:
    for query, value, said in [
        ("query ($x: ID!) { task(id: $x) { id } }", None, "not to be null"),
        ("query ($x: Int) { tasks(first: $x) { nodes { id } } }", True, "non-integer value: true"),
        ("query ($x: Int) { tasks(first: $x) { nodes { id } } }", "True", "'True'"),
        ("query ($x: Date!) { activity(from: $x, to: $x) { __typename } }", False, "not false"),
        ("query ($x: Date!) { activity(from: $x, to: $x) { __typename } }", "x", 'not "x"'),
    ]:
        (error,) = (await server.execute(query, x=value))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert said in error["message"]
        assert value == "True" or not PYTHON.search(error["message"])

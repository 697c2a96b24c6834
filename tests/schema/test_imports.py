"""`importTasks`: a result a row, good ones beside bad ones, up to 1,000 in a call."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.task import Task
from tests.office import make_office
from tests.serving import Server

IMPORT = """
mutation Import($input: ImportTasksInput!) {
  importTasks(input: $input) {
    results {
      index externalId result errors { code field }
      task { id status reason expiresAt patient { ...Called } queue { name } }
    }
    errors { code field }
  }
}
fragment Called on Patient { name phone phones { number extension display href kind } }
"""


def sent(number: int, **given: object) -> dict[str, object]:
    return {
        "externalId": f"t{number}",
        "patientExternalId": f"p{number}",
        "name": "Fern Testwell",
        "phone": "+1 217-555-0123 x45",
        "reason": "Cleaning overdue",
    } | given


def rows_for(server: Server, *rows: dict[str, object], **given: object) -> dict[str, object]:
    queue = global_id("Queue", server.office.recall.id)
    return {"queueId": queue, "source": "robot", "rows": list(rows)} | given


async def load(server: Server, *rows: dict[str, object], **given: object) -> Any:
    sending = rows_for(server, *rows, **given)
    return (await server.data(IMPORT, "supervisor", input=sending))["importTasks"]


async def test_each_row_has_its_result(server: Server) -> None:
    rows = (
        sent(1, expiresAt="2999-01-01T00:00:00Z"),
        sent(2, phone="none", followUp="soon"),
        sent(3, patientExternalId="p1"),
        sent(1),
    )
    payload = await load(server, *rows)
    assert payload["errors"] == []
    assert [(r["index"], r["externalId"], r["result"]) for r in payload["results"]] == [
        (0, "t1", "CREATED"),
        (1, "t2", "REJECTED"),
        (2, "t3", "ALREADY_OPEN"),
        (3, "t1", "REJECTED"),
    ]
    made, bad, already, twice = payload["results"]
    shown = "(217) 555-0123 ext. 45"
    phone = {"number": "+12175550123", "extension": "45", "display": shown, "kind": None}
    assert made["task"]["patient"] == {
        "name": "Fern Testwell",
        "phone": shown,
        "phones": [phone | {"href": "tel:+12175550123;ext=45"}],
    }
    assert made["task"]["expiresAt"].startswith("2999-01-01T00:00:00")
    assert made["task"]["queue"] == {"name": "Overdue recall"}
    assert already["task"]["id"] == made["task"]["id"]
    assert bad["task"] is None
    assert bad["errors"] == [
        {"code": "PHONE_INVALID", "field": ["input", "rows", "1", "phone"]},
        {"code": "DATE_INVALID", "field": ["input", "rows", "1", "followUp"]},
    ]
    assert [error["code"] for error in twice["errors"]] == ["EXTERNAL_ID_TWICE"]
    again = await load(server, rows[0], sent(3, patientExternalId="p1", name="Fern Newname"))
    assert [r["result"] for r in again["results"]] == ["UNCHANGED", "ALREADY_OPEN"]
    assert again["results"][0]["task"]["patient"]["name"] == "Fern Newname"


async def test_a_thousand_rows_fit_in_a_call_and_one_more_does_not(server: Server) -> None:
    rows = [
        sent(
            n,
            name="Fern Maria Testwell-Nobodey",
            reason="Cleaning overdue by six months; asked to be called after five. " * 3,
            origin="AUTOMATIC",
            followUp="",
            expiresAt="2999-01-01T00:00:00Z",
        )
        for n in range(1_001)
    ]
    answer = await server.execute(IMPORT, "supervisor", input=rows_for(server, *rows))
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Task.all().count() == 0
    payload = await load(server, *rows[:-1])
    assert {r["result"] for r in payload["results"]} == {"CREATED"}
    assert len({r["task"]["id"] for r in payload["results"]}) == 1_000
    assert await Task.all().count() == 1_000


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_keeps_all_rows_out(server: Server) -> None:
    other = await make_office("oak")
    for number in (other.recall.id, 999_999):
        payload = await load(server, sent(1), queueId=global_id("Queue", number))
        assert payload["results"] == []
        assert payload["errors"] == [{"code": "NOT_FOUND", "field": ["input", "queueId"]}]
    for role in ("staff", "partner"):
        answer = await server.execute(IMPORT, role, input=rows_for(server, sent(1)))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for source in ("", " ", "x" * 101, "a\0"):
        sending = rows_for(server, sent(1), source=source)
        answer = await server.execute(IMPORT, "supervisor", input=sending)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Task.all().count() == 0
    for role, may in (("staff", False), ("supervisor", True), ("partner", False)):
        assert (await server.data("{ viewer { mayImport } }", role))["viewer"] == {"mayImport": may}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_character_that_cannot_be_kept_costs_its_row_alone(server: Server) -> None:
    payload = await load(server, sent(1, name="a\0"), sent(2))
    assert [r["result"] for r in payload["results"]] == ["REJECTED", "CREATED"]
    assert payload["results"][0]["errors"] == [
        {"code": "TEXT_INVALID", "field": ["input", "rows", "0", "name"]}
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_asked_for_beside_a_thousand_results_counts_a_thousand_times(
    server: Server,
) -> None:
    query = IMPORT.replace("id status", "contacts(first: 100) { nodes { id } }")
    answer = await server.execute(query, "supervisor", input=rows_for(server, sent(1)))
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    assert await Task.all().count() == 0

"""Imports over the network: a file is sent, previewed, started, followed, mended and undone."""

import asyncio
from typing import Any

import httpx
import pytest

from gql_app.schema.ids import global_id
from models.audit import AuditAction
from models.task import Task
from tests.serving import PATIENCE, Server
from tests.support.audited import rows_of
from tests.support.workbooks import workbook
from tests.web.streams import eventually

JOB = """
fragment Job on ImportJob {
  id state fileName source total created rejected takenBack leftAlone undoUntil
  queue { name } startedBy { name } columns { name field }
}
"""
START = f"""mutation ($input: ImportOrderInput!) {{
  startImport(input: $input) {{ job {{ ...Job }} errors {{ code message field }} }} }} {JOB}"""
PREVIEW = """query ($input: ImportOrderInput!) {
  importPreview(input: $input) {
    columns { name field guessed } samples { line cells { column value } }
    total lookedAt created updated unchanged alreadyOpen rejected
    rejects { line cells { column value } errors { code field } } errors { code field }
  }
}"""
PROGRESS = (
    """subscription ($id: ID!) { importProgress(importId: $id) { state created rejected } }"""
)
REJECTS = """query ($id: ID!, $after: String) {
  importJob(id: $id) {
    state rejected takenBack
    rejects(first: 1, after: $after) {
      nodes { line cells { column value } errors { code message field } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
MEND = """mutation ($input: MendImportRowInput!) {
  mendImportRow(input: $input) { result job { created rejected } errors { code field } } }"""
UNDO = """mutation ($id: ID!) {
  undoImport(importId: $id) { job { state } errors { code field } } }"""

ROWS = [
    ["Nr", "Nachname", "Vorname", "Telefon", "Grund"],
    [1, "Testwell", "Fern", "217 555 0123", "Recall"],
    [2, "Testwell", "Elm", "none", "Recall"],
    [3, "Testwell", "Oak", "217 555 0124", "Recall"],
    [4, "Testwell", "Ivy", "soon", "Recall"],
]
OVER = {"DONE", "UNDONE"}


async def send(
    server: Server,
    content: bytes,
    name: str = "Liste März.xlsx",
    role: str = "supervisor",
    **how: str,
) -> httpx.Response:
    headers = {
        "authorization": f"Bearer {server.office.keys[role]}",
        "content-type": "application/octet-stream",
    } | how
    return await server.client.post(
        "/imports", params={"name": name}, content=content, headers=headers
    )


def order(server: Server, import_id: str, **given: Any) -> dict[str, Any]:
    queue = global_id("Queue", server.office.recall.id)
    return {"importId": import_id, "queueId": queue, "source": "pms"} | given


async def followed(server: Server, import_id: str) -> dict[str, Any]:
    """The import once it is over."""
    async with server.socket(server.office.keys["supervisor"]) as socket:
        await socket.subscribe(PROGRESS, id=import_id)
        while True:
            told: dict[str, Any] = (await socket.next_data())["importProgress"]
            if told["state"] in OVER:
                assert (await socket.next())["type"] == "complete"
                return told


async def test_a_workbook_comes_in_is_mended_and_taken_back(server: Server) -> None:
    sent = await send(server, workbook(ROWS))
    assert sent.status_code == 200, sent.text
    import_id = sent.json()["id"]

    asked = order(server, import_id)
    preview = (await server.data(PREVIEW, "supervisor", input=asked))["importPreview"]
    assert preview["columns"][3] == {"name": "Telefon", "field": "PHONE", "guessed": True}
    assert preview["samples"][0]["cells"][1] == {"column": "Nachname", "value": "Testwell"}
    assert (preview["total"], preview["created"], preview["rejected"]) == (4, 2, 2)
    assert preview["rejects"][0]["errors"] == [
        {"code": "PHONE_INVALID", "field": ["input", "cells", "Telefon"]}
    ]
    assert await Task.all().count() == 0

    started = (await server.data(START, "supervisor", input=asked))["startImport"]
    assert started["errors"] == []
    assert started["job"]["queue"] == {"name": "Overdue recall"}
    assert (await followed(server, import_id))["created"] == 2

    page = (await server.data(REJECTS, "supervisor", id=import_id))["importJob"]["rejects"]
    assert (page["nodes"][0]["line"], page["pageInfo"]["hasNextPage"]) == (3, True)
    cursor = page["pageInfo"]["endCursor"]
    page = (await server.data(REJECTS, "supervisor", id=import_id, after=cursor))["importJob"]
    assert [node["line"] for node in page["rejects"]["nodes"]] == [5]
    cells = [{"column": "Telefon", "value": "217 555 0188"}]
    mended = await server.data(
        MEND, "supervisor", input={"importId": import_id, "line": 5, "cells": cells}
    )
    assert mended["mendImportRow"] == {
        "result": "CREATED",
        "job": {"created": 3, "rejected": 1},
        "errors": [],
    }
    undone = (await server.data(UNDO, "admin", id=import_id))["undoImport"]
    assert undone["errors"] == []
    await followed(server, import_id)
    job = (await server.data(REJECTS, "supervisor", id=import_id))["importJob"]
    assert (job["state"], job["takenBack"], job["rejects"]["nodes"]) == ("UNDONE", 3, [])
    again = (await server.data(UNDO, "supervisor", id=import_id))["undoImport"]
    assert [error["code"] for error in again["errors"]] == ["IMPORT_UNDONE"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_may_not_import_sends_and_sees_nothing(server: Server) -> None:
    sent = await send(server, workbook(ROWS))
    for role in ("staff", "partner"):
        refused = await send(server, workbook(ROWS), role=role)
        assert refused.status_code == 403
        answer = await server.execute(REJECTS, role, id=sent.json()["id"])
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    refused = await send(server, b"", authorization="Bearer nobody")
    assert refused.status_code == 401
    refused = await send(server, b"", **{"content-type": "text/plain"})
    assert refused.status_code == 415


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_of_300_mb_is_refused_before_it_is_read(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        "POST /imports?name=a.csv HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {server.office.keys['supervisor']}",
        "Content-Type: application/octet-stream",
        "Content-Length: 300000000",
    )
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert b"FILE_TOO_LARGE" in await asyncio.wait_for(reader.read(1_000), PATIENCE)
    writer.close()
    refused = await send(server, b"%PDF", name="a.pdf")
    assert refused.status_code == 200
    assert refused.json()["id"] is None
    assert refused.json()["errors"][0]["extensions"]["code"] == "FILE_TYPE_UNKNOWN"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_whoever_reads_rejected_rows_is_told_of_in_the_audit(server: Server) -> None:
    import_id = (await send(server, workbook(ROWS))).json()["id"]
    await server.data(START, "supervisor", input=order(server, import_id))
    await followed(server, import_id)
    rejects = "rejects { nodes { line } }"
    lists = {
        "importJob": f'importJob(id: "{import_id}") {{ {rejects} }}',
        "importJobs": f"importJobs {{ nodes {{ {rejects} }} }}",
    }
    for name, field in lists.items():
        await server.data(f"query {name} {{ {field} }}", "supervisor")

    async def told() -> bool:
        rows = await rows_of(server.office.practice, AuditAction.READ)
        return {row.operation for row in rows} >= lists.keys()

    await eventually(told)


async def test_a_file_may_have_any_name(server: Server) -> None:
    sent = await send(server, workbook(ROWS), name="a\0\n.xlsx")
    assert sent.json()["id"], sent.text

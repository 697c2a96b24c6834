"""/download: lists and reports as files, through a viewer's rights."""

import asyncio
import csv
import io
import json
from typing import Any

import httpx
import pytest

from gql_app.schema.ids import global_id
from gql_app.web import downloads
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.lifecycle import ContactOutcome
from models.roles import Action, Role, who_may
from tests.brokers import until
from tests.office import make_office, task_id
from tests.serving import Server
from tests.support.access import create_key, revoke_key
from tests.support.audited import rows_of


async def ask(server: Server, key: str, **order: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return await server.client.post("/download", content=json.dumps(order), headers=headers)


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


async def test_a_list_is_downloaded_with_its_filter(server: Server) -> None:
    office = server.office
    first, second, closed = [await office.make_task(patient=p) for p in office.patients]
    await office.log(closed, ContactOutcome.SCHEDULED, close=True)
    key = office.keys["supervisor"]
    open_ones = await ask(server, key, table="tasks", filter={})
    assert [row["id"] for row in rows(open_ones)] == [task_id(first), task_id(second)]
    assert len(rows(await ask(server, key, table="tasks"))) == 3
    found = await ask(server, key, table="tasks", filter={"patient": "Birch"})
    assert [row["name"] for row in rows(found)] == ["Birch Testwell"]
    disposition = found.headers["content-disposition"]
    assert disposition == f'attachment; filename="tasks-{office.today}.csv"'
    assert found.headers["cache-control"] == "no-store"
    line = await ask(server, key, table="contacts", format="jsonl")
    assert json.loads(line.text)["task_id"] == task_id(closed)


async def test_reports_are_downloaded(server: Server) -> None:
    office = server.office
    await office.log(await office.make_task(), notes="called")
    key, today = office.keys["supervisor"], office.today.isoformat()
    queues = rows(await ask(server, key, table="queues"))
    assert [(row["queue"], row["open"]) for row in queues] == [
        ("Overdue recall", "1"),
        ("Missed appointments", "0"),
    ]
    activity = {"table": "activity", "from": today, "to": today}
    assert rows(await ask(server, key, **activity))[-1]["contacts"] == "1"
    patient = global_id("Patient", office.patients[0].id)
    audit = await ask(server, office.keys["admin"], table="audit", patientId=patient)
    assert {row["patient"] for row in rows(audit)} == {patient}


async def test_what_is_downloaded_is_on_record(server: Server) -> None:
    office = server.office
    await office.log(await office.make_task(), notes="called")
    key = office.keys["supervisor"]
    await ask(server, key, table="contacts", filter={"patient": "Amber", "status": ["IN_PROGRESS"]})
    noted = [
        (row.operation, row.patient_id, row.notes, row.staff_id, row.address)
        for row in await rows_of(office.practice, AuditAction.EXPORT)
    ]
    who = (office.supervisor.staff_id, "127.0.0.1")
    assert noted == [
        ("download", None, False, *who),
        ("download", office.patients[0].id, True, *who),
    ]
    detail = (await rows_of(office.practice, AuditAction.EXPORT))[0].detail
    assert detail == "contacts as csv from the beginning to the end, by status, patient"


async def test_who_may_download_may_read_all_that_is_in_the_files() -> None:
    allowed = set(who_may(Action.EXPORT))
    assert allowed == {Role.SUPERVISOR, Role.ADMIN}
    for action in (Action.READ_NOTES, Action.SEE_WHO_WORKS, Action.READ_ACTIVITY):
        assert allowed <= set(who_may(action))


async def test_roles_that_may_not_are_refused_and_noted(server: Server) -> None:
    office = server.office
    for role, table in (("staff", "tasks"), ("partner", "tasks"), ("supervisor", "audit")):
        assert code(await ask(server, office.keys[role], table=table)) == (403, "FORBIDDEN")
    assert code(await ask(server, "nobody", table="tasks")) == (401, "UNAUTHENTICATED")
    async with asyncio.timeout(10):
        while len(noted := await rows_of(office.practice, AuditAction.REFUSED)) < 3:
            await asyncio.sleep(0.05)
    assert {(row.operation, row.result) for row in noted} == {("download", "FORBIDDEN")}
    assert await rows_of(office.practice, AuditAction.EXPORT) == []


async def test_a_limited_key_downloads_its_queues_alone(server: Server) -> None:
    office = server.office
    seen = await office.make_task(office.recall)
    hidden = await office.make_task(office.missed, patient=office.patients[1])
    await office.log(hidden, notes="hidden")
    queues = [office.recall.id]
    key = await create_key(office.practice, Role.ADMIN, "Desk", queue_ids=queues)
    assert [row["id"] for row in rows(await ask(server, key, table="tasks"))] == [task_id(seen)]
    assert rows(await ask(server, key, table="contacts")) == []
    assert [row["queue"] for row in rows(await ask(server, key, table="queues"))] == [
        "Overdue recall"
    ]
    activity = rows(await ask(server, key, table="activity"))
    assert activity[-1]["contacts"] == "0"
    assert code(await ask(server, key, table="audit")) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({}, "table is one of"),
        ({"table": "patients"}, "table is one of"),
        ({"table": "tasks", "format": "xlsx"}, "format is one of csv, jsonl, parquet"),
        ({"table": "tasks", "sort": 1}, "sort is unknown"),
        ({"table": "tasks", "filter": {"status": ["NOPE"]}}, "filter: status.0: Value 'NOPE'"),
        ({"table": "tasks", "filter": {"patient": "x"}}, "at least 2 letters"),
        ({"table": "tasks", "filter": [1]}, "filter: Expected value of type 'TaskFilter'"),
        ({"table": "tasks", "from": "today"}, "from is a date"),
        ({"table": "tasks", "from": "2026-02-01", "to": "2026-01-01"}, "The last date is before"),
        ({"table": "tasks", "patientId": "7"}, "patientId does not apply to tasks"),
        ({"table": "activity", "staffId": "7"}, "staffId does not apply to activity"),
        ({"table": "queues", "from": "2026-02-01"}, "from does not apply to queues"),
        ({"table": "activity", "filter": {"patient": "Ada"}}, "only queueIds applies to activity"),
        ({"table": "audit", "filter": {}}, "filter does not apply to audit"),
        ({"table": "activity", "from": "2001-01-01"}, "By WEEK, a report spans at most"),
        ({"table": "audit", "patientId": 7}, "patientId is an id"),
        ({"table": "audit", "patientId": "7"}, "not one that this server gave"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_order_that_cannot_be_filled_is_refused(
    server: Server, order: dict[str, Any], said: str
) -> None:
    answer = await ask(server, server.office.keys["admin"], **order)
    assert code(answer) == (400, "BAD_USER_INPUT")
    assert said in answer.json()["errors"][0]["message"]


async def test_nothing_is_downloaded_by_an_address_or_for_other_sites(server: Server) -> None:
    office = server.office
    key = {"authorization": f"Bearer {office.keys['admin']}"}
    assert (await server.client.get("/download?table=tasks", headers=key)).status_code == 405
    form = await server.client.post("/download", data={"table": "tasks"}, headers=key)
    assert form.status_code == 415
    own = {"origin": server.url, "content-type": "application/json"}
    body = json.dumps({"key": office.keys["admin"]})
    signed_in = await server.client.post("/session", content=body, headers=own)
    assert signed_in.status_code == 204
    for origin, status in ((server.url, 200), ("https://other.example", 401)):
        answer = await server.client.post(
            "/download", content='{"table": "tasks"}', headers=own | {"origin": origin}
        )
        assert answer.status_code == status


class Held:
    """Downloads of which each is held up after its first bytes, until it is let go."""

    def __init__(self) -> None:
        self.go, self.begun = asyncio.Event(), asyncio.Semaphore(0)
        self.told: list[list[Any]] = []
        self._sent = downloads._sent

    async def sent(self, first: bytes, chunks: Any, notices: list[Any]) -> Any:
        self.told.append(notices)

        async def held_up() -> Any:
            async for chunk in chunks:
                self.begun.release()
                await self.go.wait()
                yield chunk

        async for chunk in self._sent(first, held_up(), notices):
            yield chunk


@pytest.fixture
async def held(server: Server, monkeypatch: pytest.MonkeyPatch) -> Held:
    """Downloads that are held up, of four tasks."""
    held = Held()
    monkeypatch.setattr("gql_app.work.exports.tables.WINDOW", 1)
    monkeypatch.setattr(downloads, "_sent", held.sent)
    for _ in range(4):
        await server.office.make_task()
    return held


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
async def test_a_key_downloads_one_file_at_a_time_and_ends_with_its_key(
    server: Server, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = server.office
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)
    key = await create_key(office.practice, Role.ADMIN, "Leaver")
    download = asyncio.create_task(ask(server, key, table="tasks"))
    await asyncio.wait_for(held.begun.acquire(), 10)
    other = await ask(server, key, table="tasks")
    assert code(other) == (429, "RATE_LIMITED")
    assert other.headers["retry-after"] == "5"
    (*_, number) = [row.id for row in await AccessKey.filter(kind=KeyKind.KEY).order_by("id")]
    await revoke_key(office.practice, number)
    await until(lambda: held.told[0])
    held.go.set()
    with pytest.raises(httpx.RemoteProtocolError):
        await download


@on_sqlite
async def test_a_practice_leaves_places_for_others(server: Server, held: Held) -> None:
    office = server.office
    keys = [await create_key(office.practice, Role.ADMIN, name) for name in ("Ada", "Bo", "Cy")]
    running = [asyncio.create_task(ask(server, key, table="tasks")) for key in keys[:2]]
    for _ in running:
        await asyncio.wait_for(held.begun.acquire(), 10)
    assert code(await ask(server, keys[2], table="tasks")) == (429, "RATE_LIMITED")
    elsewhere = await make_office("birch")
    other = asyncio.create_task(ask(server, elsewhere.keys["admin"], table="queues"))
    held.go.set()
    assert (await other).status_code == 200
    assert [len(rows(await download)) for download in running] == [4, 4]
    assert len(rows(await ask(server, keys[2], table="tasks"))) == 4  # there is room again

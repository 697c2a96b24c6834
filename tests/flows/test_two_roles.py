"""A server under a role of PostgreSQL that may read and write rows, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from gql_app.work.upkeep.audit_retention import prune_audit
from gql_app.work.upkeep.examining import NOT_PRUNED, examine
from gql_app.work.upkeep.expiry import sweep
from gql_app.work.upkeep.indexing import index_all
from gql_app.work.upkeep.retention import forget, prune
from models.access import AccessKey
from models.contact import Contact
from models.database import opened
from models.event import TaskEvent
from models.idempotency import IdempotencyKey
from models.people import Patient
from tests.commands.running import Shell
from tests.models.database.roles import two_roles
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.schema.test_imports import load, sent
from tests.serving import Server, serving

CLAIM_NEXT = """mutation ($queue: [ID!]) {
  claimNextTask(queueIds: $queue) { task { id } errors { code } }
}"""

ACTIVITY = """query ($day: Date!) {
  activity(from: $day, to: $day) { total { tasksOpened } }
}"""


async def test_all_that_a_server_does_it_may_do(
    postgres_url: str,
    postgres_template: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with two_roles(postgres_url, postgres_template) as roles:
        async with serving(roles.serving_url, bus_url=roles.serving_url) as server:
            await work(server)
            await upkeep(server)
            contacts, events = await Contact.all().count(), await TaskEvent.all().count()
        refused = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert refused == [
            "this role may not remove old events: schedule callboard prune as the tables' owner"
        ]
        ended = await Shell(monkeypatch, capsys, database_url=roles.serving_url)("prune")
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "may not remove old events; the tables' owner may" in ended.err
        async with opened(roles.owner_url):
            later, kept = datetime.now(UTC) + timedelta(days=33), timedelta(days=30)
            assert NOT_PRUNED in str(await examine(later, kept))
            changes = Changes(ring_nobody, lambda: later)
            assert await prune(changes, kept, later, forced=True) == events
            assert await prune_audit(changes, kept, later, forced=True) >= contacts
            assert NOT_PRUNED not in str(await examine(later, kept))
            assert await Contact.all().count() == contacts > 0


async def work(server: Server) -> None:
    office = server.office
    assert (await server.client.get("/readyz")).json() == {"database": True, "bus": True}
    task = task_id(await office.make_task())
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED)
        given: dict[str, Any] = {"taskId": task, "outcome": "NO_ANSWER", "idempotencyKey": "k"}
        given["followUp"] = (office.today + timedelta(days=1)).isoformat()
        for _ in range(2):
            assert not (await server.data(LOG_CONTACT, **given))["logContact"]["errors"]
        assert (await socket.next_data())["taskStatusChanged"]["contact"]
    rows = await load(server, sent(1), sent(2))
    assert [row["result"] for row in rows["results"]] == ["CREATED", "CREATED"]
    assert (await server.data(CLAIM_NEXT))["claimNextTask"]["task"]
    found = await server.data(ACTIVITY, "supervisor", day=office.today.isoformat())
    assert found["activity"]["total"]["tasksOpened"] == 3
    own = {"origin": server.url}
    for how in ("POST", "DELETE"):
        key = {"key": office.keys["staff"]}
        answer = await server.client.request(how, "/session", json=key, headers=own)
        assert answer.status_code == 204


async def upkeep(server: Server) -> None:
    office = server.office
    await Patient.filter(id=office.patients[0].id).update(name="Zinnia Testwell", is_indexed=False)
    assert await index_all(office.changes) == 1
    office.clock.advance(days=40)
    await sweep(office.changes, office.clock(), forced=True)
    await forget(office.changes, office.clock())
    assert await IdempotencyKey.all().count() == 0
    assert await AccessKey.filter(parent_id__not_isnull=True).count() == 0

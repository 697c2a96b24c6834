"""A server goes by the database's clock in all that it decides: here the machine is 31 days behind
it."""

from datetime import datetime, timedelta

import httpx
import pytest

from gql_app.access.signin import SESSION_LASTS
from gql_app.clock import machine_time
from models.access import AccessKey
from models.contact import Contact
from models.event import TaskEvent
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.serving import Server
from tests.support.access import create_key, create_link
from tests.web.streams import log_over_http

AHEAD, HOUR = timedelta(days=31), timedelta(hours=1)
CLAIM = "mutation Claim($task: ID!) { claimTask(taskId: $task) { errors { code } } }"
NAME = {"query": "{ viewer { name } }"}


def database_shows() -> datetime:
    return machine_time() + AHEAD


@pytest.fixture(autouse=True)
def database_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    async def database_time() -> datetime:
        return database_shows()

    monkeypatch.setattr("gql_app.clock.database_time", database_time)
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)


def is_now(moment: datetime | None) -> bool:
    return moment is not None and abs(moment - database_shows()) < timedelta(minutes=1)


async def test_what_happens_is_dated_by_it(server: Server) -> None:
    task = await server.office.make_task()
    await server.data(CLAIM, task=task_id(task))
    claimed = await Task.get(id=task.id)
    assert claimed.claimed_until is not None
    assert is_now(claimed.claimed_until - timedelta(minutes=10))
    follow_up = (server.office.today + timedelta(days=40)).isoformat()
    await log_over_http(server, task, followUp=follow_up)
    assert is_now((await Contact.get()).logged_at)
    assert all(is_now(event.at) for event in await TaskEvent.filter(seq__gt=1))


async def test_keys_end_by_it(server: Server) -> None:
    ends = [machine_time() + HOUR, database_shows() + timedelta(seconds=50)]
    ended, ends_soon = [
        await create_key(server.office.practice, Role.STAFF, "Desk", expires_at=end) for end in ends
    ]
    assert (await server.post(NAME, ended)).status_code == 401
    async with server.socket(ends_soon) as socket:
        assert (await socket.next())["payload"]["warning"] == "KEY_EXPIRES"


async def test_sessions_begin_and_end_by_it(server: Server) -> None:
    link = await create_link(server.office.keys["staff"], database_shows)
    old_link = await create_link(server.office.keys["staff"])
    origin = {"origin": server.url}
    async with httpx.AsyncClient(base_url=server.url, headers=origin) as browser:
        assert (await browser.post("/session", json={"link": old_link})).status_code == 401
        for begin in ({"link": link}, {"key": server.office.keys["staff"]}):
            assert (await browser.post("/session", json=begin)).status_code == 204
            session = await AccessKey.all().order_by("-id").first()
            assert session is not None
            assert session.expires_at is not None
            assert is_now(session.expires_at - SESSION_LASTS)
            assert (await browser.post("/graphql", json=NAME)).status_code == 200
        assert session is not None
        await AccessKey.filter(id=session.id).update(expires_at=machine_time() + HOUR)
        assert (await browser.post("/graphql", json=NAME)).status_code == 401

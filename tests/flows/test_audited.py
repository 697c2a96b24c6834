"""Every way in has its rows: live streams on each transport, signing in, commands; and what a
process that is killed has lost."""

import signal

import httpx
import pytest

from models.audit import AuditAction, AuditRow
from models.database import opened
from models.practice import Practice
from tests.flows.commands import free_port, running
from tests.office import Office, task_id
from tests.schema.documents import LOG_CONTACT, QUEUE_FEED, STATUS_CHANGED
from tests.serving import Server, serving
from tests.support.audited import rows_of
from tests.web.streams import event_stream, eventually, log_over_http, until_streams

DELIVERY = AuditAction.DELIVERY
ALONE = """subscription { ...Changes }
fragment Changes on Subscription { taskStatusChanged { seq contact { notes } } }"""
"""A subscription that is executed for one alone."""

READ_TASK = "query ($id: ID!) { task(id: $id) { reason } }"


async def until_rows(practice: Practice, number: int, *actions: AuditAction) -> list[AuditRow]:
    """Wait until there are so many rows of some actions."""

    async def there() -> bool:
        return len(await rows_of(practice, *actions)) >= number

    await eventually(there)
    return await rows_of(practice, *actions)


async def test_what_is_sent_live_has_one_row_a_subscriber_and_patient(server: Server) -> None:
    office = server.office
    task, other = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    keys = office.keys
    async with (
        server.socket(keys["staff"]) as first,
        server.socket(keys["staff"]) as second,
        server.socket(keys["partner"]) as partner,
        event_stream(server, STATUS_CHANGED, keys["supervisor"]) as stream,
        server.socket(keys["admin"]) as alone,
    ):
        for socket in (first, second, partner):
            await socket.subscribe(STATUS_CHANGED)
        await alone.subscribe(ALONE)
        await until_streams(server, 5)
        for _ in range(3):  # in one minute, unless one has just begun
            await log_over_http(server, task)
        for socket in (first, second, partner, alone):
            for _ in range(3):
                await socket.next_data()
        for _ in range(3):
            await stream.result()
        rows = await until_rows(office.practice, 4, DELIVERY)
    told = {(row.operation, row.staff_id, row.patient_id) for row in rows}
    subscribers = (office.staff, office.partner, office.supervisor, office.admin)
    assert told == {("taskStatusChanged", who.staff_id, task.patient_id) for who in subscribers}
    assert len(rows) <= 2 * len(told)
    assert {row.address for row in rows} == {"127.0.0.1"}
    assert {row.notes for row in rows if row.staff_id != office.partner.staff_id} == {True}
    assert {row.notes for row in rows if row.staff_id == office.partner.staff_id} == {False}
    assert other.patient_id not in {row.patient_id for row in rows}


async def test_what_a_board_begins_with_and_what_is_caught_up_on_are_told_of(
    server: Server,
) -> None:
    office = server.office
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    async with server.socket(office.keys["staff"]) as socket:
        await socket.subscribe(QUEUE_FEED)
        await socket.next_data()
        rows = await until_rows(office.practice, len(tasks), DELIVERY)
    everyone = {patient.id for patient in office.patients}
    assert {row.patient_id for row in rows if row.operation == "queueFeed"} == everyone
    cursors = await server.data("{ events(first: 1) { nodes { cursor } } }")
    after = cursors["events"]["nodes"][0]["cursor"]
    async with server.socket(office.keys["supervisor"]) as socket:
        await socket.subscribe(STATUS_CHANGED, after=after)
        for _ in tasks[1:]:
            await socket.next_data()
        rows = await until_rows(office.practice, len(tasks) + 2, DELIVERY)
    caught_up = {row.patient_id for row in rows if row.staff_id == office.supervisor.staff_id}
    assert caught_up == {patient.id for patient in office.patients[1:]}


async def test_a_query_over_a_socket_is_told_of_like_any_other(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(READ_TASK, id=task_id(task))
        await socket.next_data()
        (row,) = await until_rows(server.office.practice, 1, AuditAction.READ)
    assert (row.operation, row.patient_id, row.address) == ("task", task.patient_id, "127.0.0.1")


async def test_signing_in_is_told_of_and_so_is_each_failure(server: Server) -> None:
    office = server.office
    signs = (AuditAction.SIGN_IN, AuditAction.SIGN_OUT)
    async with httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as browser:
        wrong = f"cb_{office.practice.id}_wrong"
        for proof in ({"key": wrong}, {"key": "cb_999999_wrong"}, {"key": office.keys["staff"]}):
            await browser.post("/session", json=proof)
        await browser.delete("/session")
        rows = await until_rows(office.practice, 3, *signs)
    by_result = {(row.action, row.result, row.staff_id) for row in rows}
    assert by_result == {
        (AuditAction.SIGN_IN, "UNAUTHENTICATED", None),
        (AuditAction.SIGN_IN, "OK", office.staff.staff_id),
        (AuditAction.SIGN_OUT, "OK", office.staff.staff_id),
    }
    assert {row.address for row in rows} == {"127.0.0.1"}


async def test_a_trusted_proxy_says_where_a_request_comes_from(server: Server) -> None:
    task = await server.office.make_task()
    body = {"query": READ_TASK, "variables": {"id": task_id(task)}}
    key = server.office.keys["staff"]
    await server.post(body, key, x_forwarded_for="203.0.113.7")
    (row,) = await until_rows(server.office.practice, 1, AuditAction.READ)
    assert row.address == "203.0.113.7"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_kill_loses_no_write_and_reads_of_the_last_second_only(
    office: Office, database_url: str
) -> None:
    task = await office.make_task()
    port, key = free_port(), office.keys["staff"]
    read = {"query": READ_TASK, "variables": {"id": task_id(task)}}
    written = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True}
    async with running("serve", "--port", str(port), CALLBOARD_DATABASE_URL=database_url) as server:
        await server.prints(str(port))
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
            assert (await http.post("/graphql", json=read)).status_code == 200
            await until_rows(office.practice, 1, AuditAction.READ)
            body = {"query": LOG_CONTACT, "variables": written}
            answer = (await http.post("/graphql", json=body)).json()
            assert answer["data"]["logContact"]["errors"] == []
            await server.end(signal.SIGKILL)
    *_, last = await rows_of(office.practice, AuditAction.CHANGE)
    assert (last.operation, last.task_id, last.address) == ("logContact", task.id, "127.0.0.1")
    assert len(await rows_of(office.practice, AuditAction.READ)) >= 1


async def test_a_server_that_stops_writes_what_was_read_last(database_url: str) -> None:
    async with serving(database_url) as server:
        office, task = server.office, await server.office.make_task()
        await server.data(READ_TASK, id=task_id(task))
    async with opened(database_url):
        (row,) = await rows_of(office.practice, AuditAction.READ)
    assert row.patient_id == task.patient_id

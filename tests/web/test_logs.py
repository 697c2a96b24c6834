"""No log line, at any level and of any library, holds what a patient said or who the patient is."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gql_app.logs import TALKATIVE
from models.people import Patient
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.serving import Server
from tests.web.streams import event_stream, log_over_http, until_streams

WORD = "needles7781"
SECRET = f"afraid of {WORD}"
NAME = "Zebulon Testwell"


class Keeper(logging.Handler):
    """Keeps every line as a file would have it, traceback and all."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record) + f" {record.args!r} {record.exc_info!r}")


@pytest.fixture
def kept() -> Iterator[Keeper]:
    """Everything that is logged, from before the server starts."""
    root, keeper = logging.getLogger(), Keeper()
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, TALKATIVE))}
    for logger in levels:
        logger.setLevel(logging.NOTSET)
    root.setLevel(logging.DEBUG)
    root.addHandler(keeper)
    yield keeper
    root.removeHandler(keeper)
    for logger, level in levels.items():
        logger.setLevel(level)


def fail(*_: object) -> None:
    raise RuntimeError(f"{SECRET} {NAME}")


async def test_no_log_line_holds_notes_or_a_name(
    kept: Keeper, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = await Patient.create(
        practice_id=server.office.practice.id,
        name=NAME,
        phone="555-0199",
        created_at=server.office.clock(),
    )
    kept.lines.clear()  # the statement above is the test's own
    task = await server.office.make_task(patient=patient)
    async with server.socket() as socket, event_stream(server, STATUS_CHANGED) as stream:
        await socket.subscribe(STATUS_CHANGED, "watch")
        await until_streams(server, 2)
        await log_over_http(server, task, notes=SECRET)
        for event in (await socket.next_data(), (await stream.result())["data"]):
            assert event["taskStatusChanged"]["contact"]["notes"] == SECRET
            assert event["taskStatusChanged"]["task"]["patient"]["name"] == NAME
        given: dict[str, Any] = {"taskId": task_id(task), "outcome": "NO_ANSWER", "close": True}
        given["notes"] = SECRET
        await socket.subscribe(LOG_CONTACT, "log", **given)
        assert {(await socket.next())["type"] for _ in range(3)} == {"next", "complete"}
        refused = await server.data(LOG_CONTACT, **given)
        assert refused["logContact"]["errors"][0]["code"] == "TASK_CLOSED"

        wrong = {"taskId": SECRET, "outcome": SECRET, "followUp": SECRET, "notes": NAME}
        assert "errors" in await server.execute(LOG_CONTACT, **wrong)
        assert "errors" in await server.execute(f"{{ {WORD} {NAME!r} }}")

        monkeypatch.setattr("gql_app.schema.tasks.tasks_page", fail)
        masked = await server.execute("{ tasks { nodes { id } } }")
        assert masked["errors"][0]["extensions"]["code"] == "INTERNAL"
        await socket.subscribe("{ tasks { nodes { id } } }", "fail")
        assert (await socket.next())["type"] == "error"
        monkeypatch.setattr("gql_app.access.KeyLookup.authenticate", fail)
        answer = await server.post({"query": "{ viewer { name } }"}, server.office.keys["staff"])
        assert answer.status_code == 500
    assert any(masked["errors"][0]["extensions"]["correlationId"] in line for line in kept.lines)
    for secret in (WORD, NAME):
        assert [line for line in kept.lines if secret in line] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_log_line_holds_a_key(kept: Keeper, server: Server) -> None:
    kept.lines.clear()
    key = server.office.keys["staff"]
    async with server.socket(key):
        await server.post({"query": "{ viewer { name } }"}, key)
    bad = key + "x"
    await server.post({"query": "{ viewer { name } }"}, bad)
    async with server.socket(init=False, additional_headers={"authorization": bad}) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": bad}})
        assert (await socket.closed())[0] == 4403
    assert [line for line in kept.lines if key in line] == []

"""An event is never delivered with a part that failed: whoever has its cursor never asks again."""

from typing import Any

import pytest

from gql_app.delivery import operations
from gql_app.schema import loaders
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.history import contacts_of
from models.chain import Position
from models.database.sqlite_files import DatabaseLost
from models.limits import Busy
from tests.serving import Server
from tests.web.streams import event_stream, log_over_http, until_streams

CONTACT = "taskStatusChanged%s { seq cursor contact { notes } }"
SHARED = f"subscription {{ {CONTACT % ''} }}"
ALONE = f"subscription {{ mine: {CONTACT % ''} }}"
REPLAYED = f"subscription ($after: String) {{ {CONTACT % '(after: $after)'} }}"
BUSY = Busy("a lock is held")
EVENTS = "query ($after: String) { events(after: $after) { nodes { seq contact { notes } } } }"


class Broken:
    """Contacts that cannot be read for a number of times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.error: Exception = ConnectionError("the database was restarted")
        self._read = contacts_of
        monkeypatch.setattr(loaders, "contacts_of", self)

    async def __call__(self, *given: Any) -> Any:
        if self.left:
            self.left -= 1
            raise self.error
        return await self._read(*given)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    monkeypatch.setattr(operations, "PAUSES", (0.01, 0.01, 0.01))
    return Broken(monkeypatch)


@pytest.mark.parametrize("document", [SHARED, ALONE], ids=["shared", "alone"])
@pytest.mark.parametrize("times", [1, 4])
async def test_an_event_whose_contact_cannot_be_read_is_told_when_it_can(
    server: Server, broken: Broken, document: str, times: int
) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(document)
        await until_streams(server, 1)
        broken.left = times
        await log_over_http(server, task, notes="Asked for Tuesday.")
        (event,) = (await socket.next_data()).values()
    assert (event["seq"], event["contact"]) == (2, {"notes": "Asked for Tuesday."})
    assert not broken.left


async def test_a_replayed_event_is_told_whole_over_sse(server: Server, broken: Broken) -> None:
    task = await server.office.make_task()
    await log_over_http(server, task, notes="Asked for Tuesday.")
    broken.left = 2
    after = event_cursor(server.office.practice.id, Position(1))
    async with event_stream(server, REPLAYED, after=after) as stream:
        event = (await stream.result())["data"]["taskStatusChanged"]
    assert (event["seq"], event["contact"]) == (2, {"notes": "Asked for Tuesday."})


@pytest.mark.parametrize("document", [SHARED, ALONE], ids=["shared", "alone"])
@pytest.mark.parametrize(
    ("error", "code"), [(OSError(), "INTERNAL"), (DatabaseLost(), "UNAVAILABLE"), (BUSY, "BUSY")]
)
async def test_a_stream_ends_before_an_event_that_stays_broken(
    server: Server, broken: Broken, document: str, error: Exception, code: str
) -> None:
    broken.error = error
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(document)
        await until_streams(server, 1)
        broken.left = 1_000
        await log_over_http(server, task)
        message = await socket.next()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == code
        broken.left = 0
        after = event_cursor(server.office.practice.id, Position(1))
        await socket.subscribe(REPLAYED, "again", after=after)
        assert (await socket.next_data())["taskStatusChanged"]["seq"] == 2


@pytest.mark.parametrize("error", [OSError(), DatabaseLost(), BUSY])
@pytest.mark.parametrize("left", [0, 1_000])
async def test_a_page_of_events_is_whole_or_not_there(
    server: Server, broken: Broken, left: int, error: Exception
) -> None:
    broken.error = error
    await log_over_http(server, await server.office.make_task(), notes="Asked for Tuesday.")
    broken.left = left
    answer = await server.execute(EVENTS)
    assert (answer["data"] is None) == bool(left)
    assert ("errors" in answer) == bool(left)

"""An answer may be so long and no longer, over each transport."""

import pytest

from gql_app.web.accepting import RESPONSE
from tests.serving import Server
from tests.web.streams import event_stream

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SHORT, LONG = (
    "{ viewer { role } }",
    "{ " + " ".join(f"v{n}: viewer {{ role }}" for n in range(9)) + " }",
)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.delivery.results.MAX_ANSWER", 100)


def is_refused(errors: list[dict[str, object]]) -> bool:
    assert str(errors[0]["message"]).endswith("bytes of answer; at most 100.")
    return errors[0]["extensions"] == {"code": "TOO_COMPLEX"}


async def test_an_answer_over_http(server: Server) -> None:
    assert "errors" not in await server.execute(SHORT)
    answer = await server.execute(LONG)
    assert "data" not in answer
    assert is_refused(answer["errors"])
    response = await server.post({"query": LONG}, server.office.keys["staff"], accept=RESPONSE)
    assert response.status_code == 400


async def test_an_answer_on_a_socket(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(LONG)
        message = await socket.next()
        assert message["type"] == "error"
        assert is_refused(message["payload"])
        await socket.subscribe(SHORT)
        await socket.next_data()


async def test_an_answer_in_an_event_stream(server: Server) -> None:
    async with event_stream(server, LONG) as stream:
        assert is_refused((await stream.result())["errors"])

"""What every answer says to browsers and proxies."""

import httpx
import pytest

from tests.serving import METRICS_TOKEN, Server, serving
from tests.web.test_endpoint import VIEWER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HSTS = "strict-transport-security"


async def test_no_answer_is_guessed_at_or_kept(server: Server) -> None:
    key = server.office.keys["staff"]
    answers = [
        await server.post({"query": VIEWER}, key),
        await server.post({"query": VIEWER}),
        await server.post(b"{", key),
        await server.client.get("/graphql"),
        await server.client.get("/metrics"),
        await server.metrics(),
        await server.client.get("/readyz"),
        await server.client.post("/session", json={}),
        await server.client.get("/nothing/here"),
    ]
    assert [answer.status_code for answer in answers] == [
        200,
        401,
        400,
        405,
        401,
        200,
        200,
        403,
        404,
    ]
    for answer in answers:
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], answer.url
        assert answer.headers.get_list("cache-control") == ["no-store"], answer.url
        assert HSTS not in answer.headers


async def test_pages_say_themselves_how_long_they_may_be_kept(server: Server) -> None:
    for path in ("/", "/dashboard/index.html"):
        answer = await server.client.get(path)
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert answer.headers.get_list("cache-control") == ["no-cache"]


async def test_who_comes_by_https_to_a_trusted_proxy_is_kept_to_it(server: Server) -> None:
    for path in ("/", "/healthz", "/nothing/here"):
        answer = await server.client.get(path, headers={"x-forwarded-proto": "https"})
        assert answer.headers[HSTS] == "max-age=31536000"


async def test_a_name_that_is_not_the_servers_is_refused(database_url: str) -> None:
    async with serving(database_url, allowed_hosts=("board.example",)) as server:
        answer = await server.client.get("/healthz")
        assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
        named = {"host": "board.example"}
        assert (await server.client.get("/healthz", headers=named)).status_code == 200


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"authorization": f"{scheme} {token}"}


async def test_metrics_are_for_those_who_have_the_token(server: Server) -> None:
    async def status(**headers: str) -> int:
        answer: httpx.Response = await server.client.get("/metrics", headers=headers)
        assert ("callboard_live_streams" in answer.text) is (answer.status_code == 200)
        return answer.status_code

    assert await status() == 401
    for role in server.office.keys:
        assert await status(**bearer(server.office.keys[role])) == 401
    token = METRICS_TOKEN
    for wrong in (bearer(token[:-1]), bearer(token, "Basic"), {"authorization": token}):
        assert await status(**wrong) == 401
    assert await status(**bearer(token, "bearer")) == 200


async def test_metrics_are_for_nobody_where_there_is_no_token(database_url: str) -> None:
    async with serving(database_url, metrics_token=None) as server:
        answer = await server.client.get("/metrics", headers=bearer("None"))
        assert (answer.status_code, answer.text) == (403, "CALLBOARD_METRICS_TOKEN is not set.\n")

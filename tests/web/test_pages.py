"""The dashboard's files, and its session: for the pages of this server and nobody else's."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.office import task_id
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.serving import Server
from tests.web.streams import until_streams

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME = {"query": "{ viewer { name } }"}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """What a page of this server sends: its origin, and the cookies that it was given."""
    async with httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, server: Server) -> httpx.Response:
    answer = await browser.post("/session", json={"key": server.office.keys["staff"]})
    assert answer.status_code == 204
    return answer


async def test_a_page_is_served_to_itself_alone(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/dashboard/index.html", "/dashboard/main.js", "/dashboard/style.css"):
        answer = await browser.get(path)
        assert answer.status_code == 200
        policy = answer.headers.get("content-security-policy", "")
        assert ("default-src 'none'" in policy) == ("frame-ancestors 'none'" in policy)
        assert ("default-src 'none'" in policy) == ("html" in answer.headers["content-type"])
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-encoding"] == "gzip"
        again = await browser.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code in (200, 304)
    picture = await browser.get("/dashboard/icon.svg")  # which may be opened by itself
    assert "default-src 'none'" in picture.headers["content-security-policy"]
    assert (await browser.get("/dashboard/../pages.py")).status_code == 404


async def test_a_key_is_entered_once(browser: httpx.AsyncClient, server: Server) -> None:
    assert (await browser.post("/graphql", json=NAME)).status_code == 401
    cookie = (await sign_in(browser, server)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert server.office.keys["staff"] not in cookie
    answer = (await browser.post("/graphql", json=NAME)).json()
    assert answer["data"]["viewer"]["name"]


HOST_COOKIE = r"__Host-callboard=cs_\S+; HttpOnly; Max-Age=43200; Path=/; SameSite=strict; Secure"
LOOPBACK_COOKIE = r"callboard=cs_\S+; HttpOnly; Max-Age=43200; Path=/; SameSite=strict"


async def test_a_cookie_is_this_hosts_alone_with_a_plain_one_on_this_machine(
    browser: httpx.AsyncClient, server: Server
) -> None:
    key = {"key": server.office.keys["staff"]}
    for host, is_here in (("board.example", False), ("[::1]:8000", True), ("localhost", True)):
        headers = {"host": host, "origin": f"http://{host}"}
        answer = await browser.post("/session", json=key, headers=headers)
        assert answer.status_code == 204
        cookies = answer.headers.get_list("set-cookie")
        expected = [HOST_COOKIE, LOOPBACK_COOKIE] if is_here else [HOST_COOKIE]
        for cookie, form in zip(cookies, expected, strict=True):
            assert re.fullmatch(form, cookie), (host, cookie)
        gone = await browser.delete("/session", headers=headers)
        names = [cookie.partition("=")[0] for cookie in gone.headers.get_list("set-cookie")]
        assert names == [cookie.partition("=")[0] for cookie in cookies]
        assert all("Max-Age=0" in cookie for cookie in gone.headers.get_list("set-cookie"))


async def test_the_plain_cookie_counts_on_this_machine_only(
    browser: httpx.AsyncClient, server: Server
) -> None:
    await sign_in(browser, server)
    token = browser.cookies["callboard"]
    for name, host, status in (
        ("callboard", f"127.0.0.1:{server.port}", 200),
        ("callboard", "board.example", 401),
        ("__Host-callboard", "board.example", 200),
        ("__Host-callboard", f"127.0.0.1:{server.port}", 200),
    ):
        headers = {"host": host, "origin": f"http://{host}", "cookie": f"{name}={token}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as other:
            assert (await other.post("/graphql", json=NAME)).status_code == status, (name, host)


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", None])
async def test_another_page_can_do_nothing_with_the_cookie(
    browser: httpx.AsyncClient, server: Server, origin: str | None
) -> None:
    await sign_in(browser, server)
    token = browser.cookies["callboard"]
    headers = {"cookie": f"callboard={token}"} | ({"origin": origin} if origin else {})
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as other:
        assert (await other.post("/graphql", json=NAME)).status_code == 401
        assert (await other.delete("/session")).status_code == 403
        key = {"key": server.office.keys["staff"]}
        assert (await other.post("/session", json=key)).status_code == 403
    assert (await browser.post("/graphql", json=NAME)).status_code == 200


async def test_a_page_opens_a_socket_with_its_cookie(
    browser: httpx.AsyncClient, server: Server
) -> None:
    await sign_in(browser, server)
    cookie = {"Cookie": f"callboard={browser.cookies['callboard']}"}
    async with server.socket(init=False, additional_headers=cookie, origin=server.url) as socket:
        await socket.send({"type": "connection_init"})
        assert (await socket.next())["type"] == "connection_ack"
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        assert (await browser.delete("/session")).status_code == 204
        assert (await socket.closed())[0] == 4403
    assert (await browser.post("/graphql", json=NAME)).status_code == 401
    async with server.socket(init=False, additional_headers=cookie) as without_origin:
        await without_origin.send({"type": "connection_init"})
        assert (await without_origin.closed())[0] == 4403


async def test_what_is_no_key_is_refused(browser: httpx.AsyncClient) -> None:
    for body in ({"key": "cb_1_nonsense"}, {"link": "cl_1_nonsense"}):
        assert (await browser.post("/session", json=body)).status_code == 401
    unfit: list[Any] = [{}, {"key": 5}, [], {"key": None, "link": None}]
    for content in unfit:
        assert (await browser.post("/session", json=content)).status_code == 400
    assert (await browser.get("/session")).status_code == 405
    assert (await browser.delete("/session")).status_code == 204  # there is nothing to end


async def test_what_is_meant_for_one_viewer_is_not_done_as_another(
    browser: httpx.AsyncClient, server: Server
) -> None:
    """All tabs of a browser have one cookie. One was loaded for Ann, and then Ben signs in."""
    task = await server.office.make_task()
    await sign_in(browser, server)
    whom = {"query": "{ viewer { id staff { name } } }"}
    ann = (await browser.post("/graphql", json=whom)).json()["data"]["viewer"]
    meant = {"x-callboard-viewer": ann["id"]}
    before = browser.cookies["callboard"]
    assert (await browser.post("/graphql", json=whom, headers=meant)).status_code == 200
    await sign_in(browser, server)  # the same person again, in another tab
    assert (await browser.post("/graphql", json=whom, headers=meant)).status_code == 200
    ben = {"key": server.office.keys["supervisor"]}
    assert (await browser.post("/session", json=ben)).status_code == 204

    log = {"query": LOG_CONTACT, "variables": {"taskId": task_id(task), "outcome": "SCHEDULED"}}
    for answer in (
        await browser.post("/graphql", json=log, headers=meant),
        await browser.post("/graphql", json=NAME, headers=meant | {"accept": "text/event-stream"}),
        await browser.delete("/session", headers=meant),
    ):
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "VIEWER_CHANGED"
    cookie = {"Cookie": f"callboard={browser.cookies['callboard']}"}
    async with server.socket(init=False, additional_headers=cookie, origin=server.url) as socket:
        await socket.send({"type": "connection_init", "payload": {"viewer": ann["id"]}})
        assert await socket.closed() == (4403, "Viewer changed")
    assert (await browser.post("/graphql", json=NAME)).status_code == 200  # Ben's own
    # The session that the cookie was before is over.
    browser.cookies.set("callboard", before)
    assert (await browser.post("/graphql", json=NAME)).status_code == 401


async def test_programs_with_keys_need_not_say_for_whom(server: Server) -> None:
    """One that does is held to it."""
    key = server.office.keys["staff"]
    whom = {"query": "{ viewer { id } }"}
    ann = (await server.post(whom, key)).json()["data"]["viewer"]["id"]
    assert (await server.post(whom, key, x_callboard_viewer=ann)).status_code == 200
    other = await server.post(whom, server.office.keys["supervisor"], x_callboard_viewer=ann)
    assert other.status_code == 401

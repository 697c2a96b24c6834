"""Signing in over HTTP: with an invitation, with a passkey; staying there, and being idle."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from models.access import AccessKey, KeyKind
from models.roles import Role
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server
from tests.support import access
from tests.support.access import create_key
from tests.support.authenticator import Authenticator
from tests.web.streams import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ACCOUNT = """{ viewer { name lastSignIn sessions { id device current } passkeys { id device } } }"""
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)
    monkeypatch.setattr("gql_app.access.last_use.ROUND_SECONDS", 0.05)


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A page of this server, by the name for which passkeys are made."""
    host = f"localhost:{server.port}"
    headers = {"host": host, "origin": f"http://{host}", "user-agent": CHROME}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield client


@pytest.fixture
def device(server: Server) -> Authenticator:
    return Authenticator(origin=f"http://localhost:{server.port}")


async def invite(server: Server, role: Role = Role.STAFF) -> str:
    return await access.invite(server.office.changes, server.office.practice, "Kim", role)


async def post(browser: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await browser.post(path, json=body)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def make_passkey(
    browser: httpx.AsyncClient, device: Authenticator, **proof: Any
) -> httpx.Response:
    options = (await post(browser, "/passkeys/options", **proof))["options"]
    return await browser.post("/passkeys", json={**proof, "credential": device.make(options)})


async def account(browser: httpx.AsyncClient) -> dict[str, Any]:
    viewer: dict[str, Any] = (await post(browser, "/graphql", query=ACCOUNT))["data"]["viewer"]
    return viewer


async def test_an_invited_person_makes_a_passkey_and_signs_in_with_it(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    token = await invite(server)
    told = await post(browser, "/passkeys/options", invite=token)
    assert (told["name"], told["practice"]) == ("Kim", server.office.practice.name)
    assert (await make_passkey(browser, device, invite=token)).status_code == 204
    first = await account(browser)
    assert (first["name"], first["lastSignIn"]) == ("Kim", None)
    assert [s["device"] for s in first["sessions"]] == ["Chrome on Linux"]
    assert [p["device"] for p in first["passkeys"]] == ["Chrome on Linux"]

    again = await browser.post("/passkeys/options", json={"invite": token})
    assert again.status_code == 401
    assert (await browser.delete("/session")).status_code == 204
    assert (await browser.post("/graphql", json={"query": ACCOUNT})).status_code == 401

    answer = device.answer(await post(browser, "/passkeys/options", signIn=True))
    await post(browser, "/session", passkey=answer)
    second = await account(browser)
    assert second["lastSignIn"] is not None
    assert [s["current"] for s in second["sessions"]] == [True]
    replayed = await browser.post("/session", json={"passkey": answer})
    assert replayed.status_code == 401
    assert await account(browser) == second, "who failed to sign in is still who they were"


async def test_one_who_is_signed_in_adds_passkeys_and_removes_them(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    await make_passkey(browser, device, invite=await invite(server))
    other = Authenticator(origin=device.origin)
    assert (await make_passkey(browser, other, add=True)).status_code == 204
    same = await make_passkey(browser, other, add=True)
    assert (same.status_code, same.json()["errors"][0]["message"]) == (
        400,
        "This passkey is known already.",
    )
    first, second = (await account(browser))["passkeys"]
    remove = "mutation ($id: ID!) { removePasskey(id: $id) { errors { code field } } }"
    for expected in ([], [{"code": "NOT_FOUND", "field": ["id"]}]):
        answer = await post(browser, "/graphql", query=remove, variables={"id": first["id"]})
        assert answer["data"]["removePasskey"]["errors"] == expected
    assert (await account(browser))["passkeys"] == [second]
    options = await post(browser, "/passkeys/options", signIn=True)
    refused = await browser.post("/session", json={"passkey": device.answer(options)})
    assert refused.status_code == 401
    await post(browser, "/session", passkey=other.answer(options))


async def test_a_session_that_was_left_open_adds_no_passkey(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    await make_passkey(browser, device, invite=await invite(server))
    made = (await post(browser, "/passkeys/options", add=True))["options"]
    began = datetime.now(UTC) - timedelta(minutes=15)
    await AccessKey.filter(kind=KeyKind.SESSION).update(created_at=began)
    for path, body in (
        ("/passkeys/options", {"add": True}),
        ("/passkeys", {"add": True, "credential": Authenticator(device.origin).make(made)}),
    ):
        answer = await browser.post(path, json=body)
        assert answer.status_code == 403
        assert "Sign out and in again" in answer.json()["errors"][0]["message"]


async def test_passkeys_are_for_people_who_were_invited(
    server: Server, browser: httpx.AsyncClient
) -> None:
    await post(browser, "/session", key=server.office.keys["staff"])
    assert (await account(browser))["passkeys"] is None
    assert (await browser.post("/passkeys/options", json={"add": True})).status_code == 403
    nobody = httpx.AsyncClient(base_url=server.url, headers=browser.headers)
    assert (await nobody.post("/passkeys/options", json={"add": True})).status_code == 401
    await nobody.aclose()


async def test_a_key_of_the_same_name_reaches_nothing_of_the_persons(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    """It may do less: with a passkey of the person it could do more."""
    await make_passkey(browser, device, invite=await invite(server, Role.ADMIN))
    (own,) = (await account(browser))["passkeys"]
    key = await create_key(server.office.practice, Role.STAFF, "Kim")
    async with httpx.AsyncClient(base_url=server.url, headers=browser.headers) as other:
        await post(other, "/session", key=key)
        assert (await account(other))["name"] == "Kim"
        assert (await account(other))["passkeys"] is None
        assert (await other.post("/passkeys/options", json={"add": True})).status_code == 403
        remove = "mutation ($id: ID!) { removePasskey(id: $id) { errors { code } } }"
        answer = await post(other, "/graphql", query=remove, variables={"id": own["id"]})
        assert answer["data"]["removePasskey"]["errors"] == [{"code": "NOT_FOUND"}]
    assert (await account(browser))["passkeys"] == [own]


async def test_a_passkey_made_for_one_invitation_is_not_taken_for_another(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    kim = await invite(server)
    ada = await access.invite(server.office.changes, server.office.practice, "Ada", Role.ADMIN)
    made = device.make((await post(browser, "/passkeys/options", invite=kim))["options"])
    answer = await browser.post("/passkeys", json={"invite": ada, "credential": made})
    assert answer.status_code == 401
    assert (await browser.post("/passkeys/options", json={"invite": ada})).status_code == 200


async def test_only_pages_of_this_server_sign_in(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    token = await invite(server)
    made = device.make((await post(browser, "/passkeys/options", invite=token))["options"])
    for origin in ("https://elsewhere.example", "null"):
        headers = {"origin": origin}
        for path, body in (
            ("/passkeys/options", {"signIn": True}),
            ("/passkeys", {"invite": token, "credential": made}),
        ):
            assert (await browser.post(path, json=body, headers=headers)).status_code == 403
        assert (await browser.put("/session", headers=headers)).status_code == 403
    assert (
        await browser.post("/passkeys", json={"invite": token, "credential": made})
    ).status_code == 204


async def test_who_guesses_invitations_and_passkeys_is_slowed(
    server: Server, browser: httpx.AsyncClient, device: Authenticator
) -> None:
    await make_passkey(browser, device, invite=await invite(server))
    assert (await account(browser))["name"] == "Kim"
    wrong = Authenticator(device.origin, handle=device.handle)
    statuses = []
    for number in range(12):
        if number % 2:
            answer = wrong.answer(await post(browser, "/passkeys/options", signIn=True))
            refused = await browser.post("/session", json={"passkey": answer})
        else:
            refused = await browser.post("/passkeys/options", json={"invite": f"ci_1_{number}"})
        statuses.append(refused.status_code)
    assert statuses == [401] * 10 + [429] * 2
    assert (await account(browser))["name"] == "Kim", "who is signed in goes on"


async def test_what_is_no_request_is_refused(browser: httpx.AsyncClient) -> None:
    unfit: dict[str, list[Any]] = {
        "/passkeys/options": [[], {}, {"signIn": False}, {"add": 1}, {"invite": 7}],
        "/passkeys": [[], {}, {"credential": {}}, {"signIn": True}],
        "/session": [{"passkey": []}, {"passkey": "x"}],
    }
    for path, bodies in unfit.items():
        for body in bodies:
            assert (await browser.post(path, json=body)).status_code == 400, (path, body)
    assert (await browser.post("/session", json={"passkey": {}})).status_code == 401
    assert (await browser.put("/session")).status_code == 401


async def end(browser: httpx.AsyncClient, session_id: str) -> list[Any]:
    query = "mutation ($id: ID!) { endSession(id: $id) { errors { code } } }"
    answer = await post(browser, "/graphql", query=query, variables={"id": session_id})
    errors: list[Any] = answer["data"]["endSession"]["errors"]
    return errors


async def test_one_ends_ones_own_sessions_elsewhere(
    server: Server, browser: httpx.AsyncClient
) -> None:
    key = {"key": server.office.keys["staff"]}
    async with httpx.AsyncClient(base_url=server.url, headers=browser.headers) as elsewhere:
        await post(elsewhere, "/session", **key)
        await post(browser, "/session", **key)
        own, other = (await account(browser))["sessions"]
        assert (own["current"], other["current"]) == (True, False)
        assert await end(browser, other["id"]) == []
        assert (await elsewhere.post("/graphql", json={"query": ACCOUNT})).status_code == 401
    assert await end(browser, other["id"]) == [{"code": "NOT_FOUND"}]
    assert (await account(browser))["sessions"] == [own]


async def until_used(**which: Any) -> None:
    async def is_used() -> bool:
        return (await AccessKey.get(**which)).last_used_at is not None

    await eventually(is_used)


async def test_a_session_stays_while_its_person_is_active_and_ends_when_they_are_not(
    server: Server, browser: httpx.AsyncClient
) -> None:
    await post(browser, "/session", key=server.office.keys["staff"])
    sessions = AccessKey.filter(kind=KeyKind.SESSION)
    told = await browser.put("/session")
    assert (told.status_code, told.json()) == (200, {"reportAfter": 60})
    await until_used(kind=KeyKind.SESSION)
    cookie = {"Cookie": f"callboard={browser.cookies['callboard']}"}
    origin = f"http://127.0.0.1:{server.port}"
    async with server.socket(init=False, additional_headers=cookie, origin=origin) as socket:
        await socket.send({"type": "connection_init"})
        assert (await socket.next())["type"] == "connection_ack"
        await socket.subscribe(STATUS_CHANGED)
        almost = datetime.now(UTC) - timedelta(minutes=29, seconds=30)
        await sessions.update(last_used_at=almost)
        warning = (await socket.next())["payload"]
        assert warning["warning"] == "SESSION_IDLE"
        assert datetime.fromisoformat(warning["expiresAt"]) == almost + timedelta(minutes=30)
        await sessions.update(last_used_at=datetime.now(UTC) - timedelta(minutes=30))
        assert await socket.closed() == (4403, "Session idle")
    assert (await browser.post("/graphql", json={"query": ACCOUNT})).status_code == 401
    assert (await browser.put("/session")).status_code == 401, "nothing brings it back"


async def test_what_a_page_reports_is_written_and_what_it_asks_for_by_itself_is_not(
    server: Server, browser: httpx.AsyncClient
) -> None:
    await post(browser, "/session", key=server.office.keys["staff"])
    await account(browser)
    await until_used(id=server.office.staff.key_id)
    assert (await AccessKey.get(kind=KeyKind.SESSION)).last_used_at is None
    await browser.put("/session")
    await until_used(kind=KeyKind.SESSION)


async def test_an_event_stream_is_told_of_an_idle_session_in_a_comment(
    server: Server, browser: httpx.AsyncClient
) -> None:
    await post(browser, "/session", key=server.office.keys["staff"])
    almost = datetime.now(UTC) - timedelta(minutes=29, seconds=30)
    await AccessKey.filter(kind=KeyKind.SESSION).update(last_used_at=almost)
    headers = {"accept": "text/event-stream"}
    body = {"query": STATUS_CHANGED}
    async with browser.stream("POST", "/graphql", json=body, headers=headers) as stream:
        async for line in stream.aiter_lines():
            if "ends by itself" in line:
                break

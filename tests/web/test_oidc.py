"""People sign in by their practice's identity provider, a real one on a port of its own. What an
evil one says lets nobody in."""

import base64
import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from gql_app.access import people
from gql_app.work.accounts import set_provider
from models.people import Staff
from tests.office import make_office
from tests.serving import Server, serving
from tests.support import access
from tests.support.issuer import CLIENT, SECRET, Issuer, issuing

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME = {"query": "{ viewer { name } }"}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as issuer:
        yield issuer


@pytest.fixture
async def server(database_url: str, tmp_path: Path, issuer: Issuer) -> AsyncIterator[Server]:
    """A server that is known to the issuer as the client of one practice."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "maple").write_text(f"{SECRET}\n")
    async with serving(database_url, oidc_secrets=folder) as server:
        here = server.office.practice.id
        await server.office.changes.make_for(here, set_provider, issuer.url, CLIENT)
        yield server


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as client:
        yield client


async def invite(server: Server, name: str = "Kim", **how: Any) -> str:
    return await access.invite(server.office.changes, server.office.practice, name, **how)


async def begin(browser: httpx.AsyncClient, token: str | None = None) -> str:
    """Where the browser is sent to sign in."""
    if token is None:
        sent = await browser.get("/oidc/begin/maple")
        assert sent.status_code == 303
        return sent.headers["location"]
    answer = await browser.post("/oidc/begin/maple", json={"invite": token})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["location"])


async def come_back(browser: httpx.AsyncClient, where: str) -> httpx.Response:
    """Sign in at the issuer, and come back with its code."""
    back = await browser.get(where)
    assert back.status_code == 307, back.text
    return await browser.get(back.headers["location"])


async def sign_in(browser: httpx.AsyncClient, token: str | None = None) -> bool:
    """Whether the issuer's word lets the person in."""
    answer = await come_back(browser, await begin(browser, token))
    assert answer.status_code == 303
    is_in = answer.headers["location"] == "/"
    assert is_in or answer.headers["location"] == "/#refused"
    return is_in


async def name(browser: httpx.AsyncClient) -> str | None:
    answer = await browser.post("/graphql", json=NAME)
    return answer.json()["data"]["viewer"]["name"] if answer.status_code == 200 else None


async def test_an_invitation_binds_the_account_which_signs_in_from_then_on(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    token = await invite(server)
    told = (await browser.post("/passkeys/options", json={"invite": token})).json()
    assert told["provider"] == {"slug": "maple", "host": "127.0.0.1"}
    assert await sign_in(browser, token)
    assert await name(browser) == "Kim"
    await browser.delete("/session")
    assert await name(browser) is None
    assert await sign_in(browser)
    assert await name(browser) == "Kim"
    assert not await sign_in(browser, token), "it was used"
    (asked, *_), (form, *_) = issuer.asked, issuer.forms
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
    assert asked["redirect_uri"] == f"{server.url}/oidc/callback"
    assert len({asked["state"] for asked in issuer.asked}) == len(issuer.asked)
    pair = base64.b64decode(form["authorization"].removeprefix("Basic ")).decode()
    assert pair == "callboard%20at%20maple:s3cret%3A%20with%20%2F%20and%20%25"


async def test_nobody_signs_up_by_a_provider(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    assert not await sign_in(browser)
    issuer.person = {"sub": "kim-1", "email": "kim@maple.example", "email_verified": True}
    assert not await sign_in(browser)
    await invite(server, email="kim@maple.example")
    issuer.person["email_verified"] = False
    assert not await sign_in(browser)
    issuer.person["email_verified"] = "true"
    assert not await sign_in(browser)
    issuer.person |= {"email_verified": True, "email": "Kim@Maple.example"}
    assert await sign_in(browser)
    assert await name(browser) == "Kim"
    issuer.person = {"sub": "kim-1"}
    assert await sign_in(browser), "the account is known by now"
    issuer.person = {"sub": "other", "email": "kim@maple.example", "email_verified": True}
    assert not await sign_in(browser), "an address may be given to somebody else later"


async def test_an_account_is_one_persons(server: Server, browser: httpx.AsyncClient) -> None:
    assert await sign_in(browser, await invite(server))
    token = await invite(server, "Ada")
    assert not await sign_in(browser, token)
    assert await people.invited(token, server.office.clock()), "it was not used up"


async def test_who_is_retired_is_not_let_in_and_their_account_may_be_invited_again(
    server: Server, browser: httpx.AsyncClient
) -> None:
    office = server.office
    assert await sign_in(browser, await invite(server))
    await access.retire(office.changes, office.practice)
    assert await name(browser) is None
    assert not await sign_in(browser)
    assert await sign_in(browser, await invite(server, "Kim Two"))


EVIL: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "another"}},
    "no audience": {"claims": {"aud": None}},
    "several audiences": {"claims": {"aud": [CLIENT, "another"]}},
    "another party": {"claims": {"azp": "another"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "no issuer": {"claims": {"iss": None}},
    "expired": {"claims": {"exp": int(time.time()) - 120}},
    "without an end": {"claims": {"exp": None}},
    "from the future": {"claims": {"iat": int(time.time()) + 3600}},
    "nobody": {"person": {}},
    "no text for a subject": {"person": {"sub": 7}},
    "another key": {"signs_with": ECKey.generate_key("P-256", auto_kid=True)},
    "no token": {"token": "x.y.z"},
}


async def test_what_is_not_for_us_now_from_the_issuer_lets_nobody_in(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    unsigned = {
        "no signature": {"token": _unsigned(issuer)},
        "signed by what we know too": {"token": _hashed(issuer)},
    }
    for evil, changed in (EVIL | unsigned).items():
        caplog.clear()
        token = await invite(server)
        before = {part: getattr(issuer, part) for part in changed}
        for part, value in changed.items():
            setattr(issuer, part, value)
        assert not await sign_in(browser, token), evil
        for part, value in before.items():
            setattr(issuer, part, value)
        assert await sign_in(browser, token), "what was refused has used nothing up"
        assert "signing in by" in caplog.text, evil
        assert "kim-1" not in caplog.text


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://maple.example/token"},
        {"jwks_uri": None},
    ],
)
async def test_nobody_is_sent_to_a_provider_that_says_what_cannot_be_right(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer, discovery: dict[str, Any]
) -> None:
    issuer.discovery = discovery
    answer = await browser.post("/oidc/begin/maple", json={"invite": await invite(server)})
    assert answer.status_code == 400


def _unsigned(issuer: Issuer) -> str:
    claims = {"iss": issuer.url, "aud": CLIENT, "sub": "kim-1", "exp": int(time.time()) + 60}
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return b".".join([*encoded, b""]).replace(b"=", b"").decode()


def _hashed(issuer: Issuer) -> str:
    claims = {"iss": issuer.url, "aud": CLIENT, "sub": "kim-1", "exp": int(time.time()) + 60}
    header = {"alg": "HS256", "kid": str(issuer.key.kid)}
    return jwt.encode(header, claims, OctKey.import_key(SECRET))


async def test_only_the_browser_that_asked_comes_back(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    """Or else somebody could be signed in, without noticing, as the one who sent them a link."""
    assert await sign_in(browser, await invite(server))
    await browser.delete("/session")
    back = (await browser.get(await begin(browser))).headers["location"]
    async with httpx.AsyncClient(base_url=server.url) as other:
        assert (await other.get(back)).headers["location"] == "/#refused"
    query = parse_qs(urlsplit(back).query)
    for wrong in ({"state": "x"}, {"state": ""}, {"code": ""}, {"iss": "https://evil.example"}):
        sent = {name: values[0] for name, values in query.items()} | wrong
        (cookie,) = [c for c in browser.cookies.jar if c.name == "callboard-oidc"]
        headers = {"cookie": f"callboard-oidc={cookie.value}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as same:
            refused = await same.get("/oidc/callback", params=sent)
            assert refused.headers["location"] == "/#refused", wrong
    assert (await browser.get(back)).headers["location"] == "/"
    assert (await browser.get(back)).headers["location"] == "/#refused", "a code is good once"


async def test_a_cookie_that_is_broken_is_refused(server: Server) -> None:
    for value in ("", "x", "W10=", base64.urlsafe_b64encode(b'["a", 1, "b", "c", "d"]').decode()):
        headers = {"cookie": f"callboard-oidc={value}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as browser:
            back = await browser.get("/oidc/callback", params={"code": "x", "state": ""})
            assert back.headers["location"] == "/#refused", value


async def test_new_keys_of_the_issuer_are_taken_at_once(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    assert await sign_in(browser, await invite(server))
    issuer.key = ECKey.generate_key("P-256", auto_kid=True)
    assert await sign_in(browser)


async def test_a_practice_without_a_provider_sends_nobody_anywhere(
    server: Server, browser: httpx.AsyncClient
) -> None:
    await make_office("oak")
    for slug in ("oak", "nobody"):
        assert (await browser.get(f"/oidc/begin/{slug}")).headers["location"] == "/#refused"
        answer = await browser.post(f"/oidc/begin/{slug}", json={"invite": "x"})
        assert answer.status_code == 400
    bodies: list[Any] = [{}, [], {"invite": 7}]
    for body in bodies:
        assert (await browser.post("/oidc/begin/maple", json=body)).status_code == 400
    elsewhere = {"origin": "https://evil.example"}
    answer = await browser.post("/oidc/begin/maple", json={"invite": ""}, headers=elsewhere)
    assert answer.status_code == 403


async def test_an_account_of_one_practices_provider_is_nobody_in_another(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    oak = await make_office("oak")
    await oak.changes.make_for(oak.practice.id, set_provider, issuer.url, CLIENT)
    assert await sign_in(browser, await invite(server))
    where = (await browser.get("/oidc/begin/oak")).headers["location"]
    assert (await come_back(browser, where)).headers["location"] == "/#refused"


async def test_another_provider_knows_nobody_until_they_are_invited_again(
    server: Server, browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    assert await sign_in(browser, await invite(server))
    here, changes = server.office.practice.id, server.office.changes
    await changes.make_for(here, set_provider, issuer.url, "another client")
    assert (await Staff.get(name="Kim")).subject == "kim-1"
    await changes.make_for(here, set_provider, "https://other.example", CLIENT)
    assert (await Staff.get(name="Kim")).subject is None
    await changes.make_for(here, set_provider, "", "")
    assert (await browser.get("/oidc/begin/maple")).headers["location"] == "/#refused"

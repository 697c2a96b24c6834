"""Which pages are the server's own: those of its host, and of its scheme."""

import pytest
from starlette.requests import HTTPConnection
from websockets.exceptions import InvalidStatus

from gql_app.web.credentials import is_allowed_page, is_own_page
from tests.serving import serving

PROXY = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7"}


def asked(scheme: str, origin: str | None, host: str = "desk.example") -> HTTPConnection:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "scheme": scheme, "headers": raw})


@pytest.mark.parametrize(
    ("scheme", "origin", "is_own"),
    [
        ("https", "https://desk.example", True),
        ("wss", "https://desk.example", True),
        ("http", "http://desk.example", True),
        ("ws", "http://desk.example", True),
        # A proxy that ends TLS, and is not among the trusted ones.
        ("http", "https://desk.example", True),
        # Somebody on the way has written this page.
        ("https", "http://desk.example", False),
        ("wss", "http://desk.example", False),
        ("https", "https://desk.example:8443", False),
        ("https", "https://desk.example.evil.example", False),
        ("https", "ftp://desk.example", False),
        ("https", "desk.example", False),
        ("https", "null", False),
        ("https", "", False),
        ("https", None, False),
    ],
)
def test_a_page_is_our_own_by_host_and_scheme(
    scheme: str, origin: str | None, is_own: bool
) -> None:
    assert is_own_page(asked(scheme, origin)) is is_own
    assert is_allowed_page(asked(scheme, origin), ()) is (is_own or origin is None)


def test_an_allowed_origin_is_compared_with_its_scheme() -> None:
    allowed = ("https://other.example",)
    assert is_allowed_page(asked("https", "https://other.example"), allowed)
    assert not is_allowed_page(asked("https", "http://other.example"), allowed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_behind_a_trusted_proxy_the_scheme_is_the_one_that_it_says(database_url: str) -> None:
    async with serving(database_url) as server:
        host = server.url.partition("://")[2]
        for scheme, status in (("https", 204), ("http", 403)):
            headers = {**PROXY, "origin": f"{scheme}://{host}"}
            body = {"key": server.office.keys["staff"]}
            answer = await server.client.post("/session", json=body, headers=headers)
            assert answer.status_code == status
        headers = {**PROXY, "origin": f"http://{host}"}
        with pytest.raises(InvalidStatus, match="403"):
            async with server.socket(init=False, additional_headers=headers):
                pass
    async with serving(database_url, server.office, trusted_proxies=()) as server:
        host = server.url.partition("://")[2]
        headers = {**PROXY, "origin": f"http://{host}"}
        answer = await server.client.post("/session", json={"key": "x"}, headers=headers)
        assert answer.status_code == 401, "nobody may say so but a trusted proxy"

"""What an Accept header asks for, as clients write it."""

import pytest

from gql_app.web.accepting import JSON, RESPONSE, STREAM, Accepted
from tests.serving import Server
from tests.web.test_endpoint import VIEWER, refused

URQL = f"{RESPONSE}, application/graphql+json, {JSON}, {STREAM}, multipart/mixed"

BEST = {
    "": JSON,
    "*/*": JSON,
    "application/*": JSON,
    "*": JSON,  # cannot be read, as if it were not there
    JSON: JSON,
    RESPONSE: RESPONSE,
    STREAM: STREAM,
    URQL: RESPONSE,
    f"{JSON}, {STREAM}": JSON,
    f"{STREAM}, {JSON}": STREAM,
    f"{STREAM}, */*": STREAM,
    f"{JSON}, {STREAM};q=0": JSON,
    f"{STREAM};q=0, */*": JSON,
    f"{STREAM};q=0.0": None,
    f"{JSON};q=0.2, {STREAM};q=0.3": STREAM,
    f"{JSON};q=0.9, {RESPONSE}": RESPONSE,
    f"{RESPONSE};q=0.9,{JSON}": JSON,
    f"{JSON} ; charset=utf-8 ; Q=0.5 , {STREAM};q=0.4": JSON,
    f"multipart/mixed;boundary=graphql;subscriptionSpec=1.0, {JSON}": JSON,
    f"multipart/mixed, {STREAM}": STREAM,
    "*/*;q=0.1, text/*;q=0.5": STREAM,
    f"*/*, {JSON};q=0": RESPONSE,  # the range that says it most exactly counts
    f"{JSON};q=much, {STREAM}": STREAM,
    "text/html": None,
    "*/*;q=0": None,
}


@pytest.mark.parametrize(("header", "best"), BEST.items())
def test_the_best_is_by_quality_and_then_by_the_clients_order(
    header: str, best: str | None
) -> None:
    assert Accepted([header]).best((JSON, RESPONSE, STREAM)) == best


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_answer_comes_in_the_form_and_with_the_status_that_was_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = server.office.keys["staff"]
    subscription = 'subscription { taskStatusChanged(after: "x") { seq } }'
    for query, accept, form, status in [
        (VIEWER, URQL, RESPONSE, 200),
        (VIEWER, f"{JSON}, {STREAM};q=0", JSON, 200),
        (VIEWER, f"{JSON}, {STREAM}", JSON, 200),
        (VIEWER, STREAM, STREAM, 200),
        (VIEWER, "image/png", JSON, 406),
        ("{", JSON, JSON, 200),
        ("{", RESPONSE, RESPONSE, 400),
        ("{ nothing }", RESPONSE, RESPONSE, 400),
        ("query ($x: ID!) { task(id: $x) { id } }", RESPONSE, RESPONSE, 400),
        ('{ task(id: "x") { id } }', RESPONSE, RESPONSE, 200),  # a field has failed, not all
        ("", RESPONSE, RESPONSE, 400),
        (subscription, f"{STREAM}, multipart/mixed", STREAM, 200),
        (subscription, URQL, STREAM, 200),  # JSON would be rather, but cannot be
        (subscription, f"{JSON}, {STREAM};q=0", JSON, 400),
        (subscription, "*/*", JSON, 400),
    ]:
        response = await server.post({"query": query}, key, accept=accept)
        got = (response.headers["content-type"].partition(";")[0], response.status_code)
        assert got == (form, status), (query, accept, response.text)
        if form == RESPONSE:
            assert ("data" in response.json()) == (status == 200)
    refused(await server.post({"query": VIEWER}, key, accept="image/png"), "BAD_USER_INPUT")
    assert (await server.post({"query": VIEWER}, accept=RESPONSE)).headers[
        "content-type"
    ] == RESPONSE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_body_is_in_utf_8(server: Server) -> None:
    for parameter, status in [("utf-8", 200), ('"UTF-8"', 200), ("utf-16", 415), ("latin1", 415)]:
        content_type = f"application/json; charset={parameter}"
        response = await server.post(
            {"query": VIEWER}, server.office.keys["staff"], content_type=content_type
        )
        assert response.status_code == status, parameter

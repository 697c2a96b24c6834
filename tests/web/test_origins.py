"""Pages on other origins: what a browser lets them send and read."""

import pytest

from tests.serving import serving
from tests.web.test_endpoint import VIEWER

DESK = "https://desk.example"

HEADERS = """authorization content-type last-event-id apollographql-client-name
    apollographql-client-version apollo-require-preflight x-apollo-operation-name
    x-apollo-operation-type x-apollo-operation-id graphql-require-preflight x-request-id
    x-graphql-event-stream-token traceparent tracestate baggage b3 x-b3-traceid sentry-trace
    newrelic x-datadog-trace-id x-datadog-parent-id x-datadog-origin
    x-datadog-sampling-priority"""
"""What Apollo, urql, graphql-sse and graphql-http send by themselves, and the tracers of Sentry,
OpenTelemetry, Datadog and New Relic."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_page_on_an_allowed_origin_may_send_what_its_clients_add(database_url: str) -> None:
    async with serving(database_url, allowed_origins=(DESK,)) as server:

        async def preflight(method: str, origin: str) -> tuple[int, dict[str, str]]:
            asked = {
                "origin": origin,
                "access-control-request-method": method,
                "access-control-request-headers": ",".join(HEADERS.split()),
            }
            response = await server.client.options("/graphql", headers=asked)
            return response.status_code, dict(response.headers)

        for method in ("POST", "GET"):  # clients that look for kept documents begin with a GET
            status, said = await preflight(method, DESK)
            assert (status, said["access-control-allow-origin"]) == (200, DESK)
            allowed = said["access-control-allow-headers"].lower().replace(" ", "").split(",")
            assert {*allowed} >= {*HEADERS.split()}
        status, said = await preflight("POST", "https://evil.example")
        assert status == 400
        assert "access-control-allow-origin" not in said
        response = await server.post({"query": VIEWER}, server.office.keys["staff"], origin=DESK)
        assert response.headers["access-control-allow-origin"] == DESK
        assert "retry-after" in response.headers["access-control-expose-headers"].lower()
        assert "access-control-allow-credentials" not in response.headers

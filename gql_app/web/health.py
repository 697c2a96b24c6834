"""/healthz, /readyz and /metrics: for those who run the server. None of them shows patient data."""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gql_app.live.feed import Feeds


def health_routes(feeds: Feeds, is_ready: Callable[[], Awaitable[bool]]) -> list[Route]:
    """`is_ready` says whether requests could be served now."""
    registry = CollectorRegistry()
    streams = Gauge("callboard_live_streams", "Streams being followed now", registry=registry)
    streams.set_function(lambda: feeds.followers)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        ready = await is_ready()
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]

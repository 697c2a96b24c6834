"""/healthz and /readyz: whether the process lives, and whether requests can be answered."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gql_app.live.bus import Bus
from gql_app.web.readiness import Readiness


def health_routes(bus: Bus, readiness: Readiness) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        failed = await readiness.failed_step()
        answer: dict[str, object] = {"database": failed is None, "bus": bus.is_connected}
        if failed is not None:
            answer["failed"] = failed
        # The bus is told, but does not count: without it writes go on and dashboards poll, and
        # taking every process out of service for it would be the worse failure.
        return JSONResponse(answer, 200 if failed is None else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]

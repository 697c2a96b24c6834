"""/healthz, /readyz and /metrics: for those who run the server. None of them shows patient data."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gql_app.delivery.groups import Groups
from gql_app.execution.fallbacks import Fallbacks
from gql_app.live.bus import Bus
from gql_app.live.feeds import Feeds
from gql_app.web.connections import Connections
from gql_app.web.readiness import Readiness


def health_routes(
    feeds: Feeds,
    groups: Groups,
    bus: Bus,
    fallbacks: Fallbacks,
    connections: Connections,
    readiness: Readiness,
) -> list[Route]:
    registry = CollectorRegistry()
    streams = Gauge("callboard_live_streams", "Streams being followed now", registry=registry)
    # What is executed for a group's members follows the feed in their place.
    streams.set_function(lambda: feeds.followers - groups.executions + groups.members)
    registry.register(_BusMetrics(bus))
    registry.register(_FeedMetrics(feeds))
    registry.register(_PlanMetrics(fallbacks))
    registry.register(_ConnectionMetrics(connections))

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

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class _BusMetrics(Collector):
    """What the bus counts by itself, read when somebody asks."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "callboard_bus_connected",
            "Whether other processes hear this one, and it them (0 or 1)",
            value=self._bus.is_connected,
        )
        yield CounterMetricFamily(
            "callboard_bus_dropped_rings",
            "Rings that were lost on the way; a poll makes up for them",
            value=self._bus.dropped_rings,
        )


class _FeedMetrics(Collector):
    """What the feeds count by themselves, read when somebody asks."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "callboard_histories_changed",
            "Feeds that ended because the database had another history: restored, or failed over",
            value=self._feeds.histories_changed,
        )


class _PlanMetrics(Collector):
    """How often compiled plans were of no use, read when somebody asks."""

    def __init__(self, fallbacks: Fallbacks) -> None:
        self._fallbacks = fallbacks

    def collect(self) -> Iterator[Metric]:
        counter = CounterMetricFamily(
            "callboard_plan_fallbacks",
            "Objects that graphql-core completed: their selection has no plan (not_plain), or a"
            " plan of theirs raised (failed)",
            labels=["reason"],
        )
        for reason, count in self._fallbacks.by_reason().items():
            counter.add_metric([reason], count)
        yield counter


class _ConnectionMetrics(Collector):
    """What the connections count by themselves, read when somebody asks."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "callboard_connections",
            "Connections: `proven` ones have shown a key that holds",
            labels=["state"],
        )
        gauge.add_metric(["proven"], self._connections.proven)
        gauge.add_metric(["unproven"], self._connections.unproven)
        yield gauge
        counter = CounterMetricFamily(
            "callboard_connections_closed",
            "Connections that were cut off, by reason: see docs/operations.md",
            labels=["reason"],
        )
        for reason, count in self._connections.closed.items():
            counter.add_metric([reason], count)
        yield counter

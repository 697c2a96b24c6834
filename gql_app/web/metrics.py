"""/metrics, for Prometheus: figures of all practices, and no patient data. No practice's key opens
it, only a token that the operator sets.
"""

import hmac
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gql_app.access.budgets import Budgets
from gql_app.access.guessing import Guesses
from gql_app.delivery.groups import Groups
from gql_app.execution.fallbacks import Fallbacks
from gql_app.live.bus import Bus
from gql_app.live.feeds import Feeds
from gql_app.web.connections import Connections


def metrics_route(
    feeds: Feeds,
    groups: Groups,
    bus: Bus,
    fallbacks: Fallbacks,
    connections: Connections,
    token: str | None,
    guesses: Guesses,
    budgets: Budgets,
) -> Route:
    """The route, which answers nobody if there is no `token`."""
    registry = CollectorRegistry()
    streams = Gauge("callboard_live_streams", "Streams being followed now", registry=registry)
    # What is executed for a group's members follows the feed in their place.
    streams.set_function(lambda: feeds.followers - groups.executions + groups.members)
    executed = Gauge(
        "callboard_executed_streams",
        "Streams executed now, each once for all who follow the same",
        registry=registry,
    )
    executed.set_function(lambda: feeds.followers)
    registry.register(_BusMetrics(bus))
    registry.register(_FeedMetrics(feeds))
    registry.register(_PlanMetrics(fallbacks))
    registry.register(_ConnectionMetrics(connections))
    registry.register(_LimitMetrics(guesses, budgets))

    async def metrics(request: Request) -> Response:
        if token is None:
            return PlainTextResponse("CALLBOARD_METRICS_TOKEN is not set.\n", 403)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
            text = "Send the token in CALLBOARD_METRICS_TOKEN as a bearer token.\n"
            return PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Route("/metrics", metrics)


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


class _LimitMetrics(Collector):
    """What was refused because it was too much, read when somebody asks."""

    def __init__(self, guesses: Guesses, budgets: Budgets) -> None:
        self._guesses = guesses
        self._budgets = budgets

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "callboard_unknown_keys", "Keys that nobody has", value=self._guesses.failures
        )
        yield CounterMetricFamily(
            "callboard_keys_refused_unread",
            "Keys that were not looked up, because too many before them were not valid",
            value=self._guesses.refused,
        )
        counter = CounterMetricFamily(
            "callboard_rate_limited",
            "Requests that a key's budget did not allow",
            labels=["budget"],
        )
        for budget, refused in self._budgets.refused.items():
            counter.add_metric([budget], refused)
        yield counter
        shared = self._budgets.shared
        yield CounterMetricFamily(
            "callboard_budgets_not_shared",
            "Times when a process counted by itself because Redis could not be reached",
            value=0 if shared is None else shared.fallbacks,
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

"""The composition root: the only place that wires the parts together."""

import gc
import logging
import multiprocessing
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route, WebSocketRoute

from gql_app.access import KeyLookup, Unauthenticated
from gql_app.access.challenges import Challenges
from gql_app.access.last_use import LastUse
from gql_app.access.shared_budgets import make_budgets
from gql_app.clock import Clock, seconds_passed
from gql_app.delivery.groups import Groups
from gql_app.execution.persisted import PersistedDocuments, sha256
from gql_app.jobs import running
from gql_app.live.bus import Bus
from gql_app.live.feeds import Feeds
from gql_app.logs import keep_values_out_of_logs, set_up_logs
from gql_app.schema import build_schema
from gql_app.schema.context import Services
from gql_app.settings import Settings
from gql_app.stopping import drained, end_in_time, end_with_parent, on_stop
from gql_app.web.answer_headers import AnswerHeaders
from gql_app.web.connections import CONNECTIONS, Connections, room_for_connections
from gql_app.web.downloads import Downloads
from gql_app.web.endpoint import Endpoint
from gql_app.web.frames import FramesProtocol
from gql_app.web.guarded import GuardedProtocol
from gql_app.web.health import health_routes
from gql_app.web.metrics import metrics_route
from gql_app.web.oidc import SigningInByProvider
from gql_app.web.own_documents import own_documents
from gql_app.web.pages import page_routes
from gql_app.web.readiness import Readiness
from gql_app.web.request_log import RequestLog
from gql_app.web.sessions import Sessions
from gql_app.web.signing_in import SigningIn
from gql_app.web.uploads import Uploads
from gql_app.web.visits import Visits
from gql_app.work.access_log import AccessLog
from gql_app.work.changes import Changes
from gql_app.work.imports.runner import ImportRunner
from gql_app.work.shares import Shares
from gql_app.work.upkeep.audit_retention import keep_pruning_audit
from gql_app.work.upkeep.call_backs import keep_calling_back
from gql_app.work.upkeep.ending_keys import keep_warning_of_ends
from gql_app.work.upkeep.expiry import keep_ending_statuses, keep_freeing, keep_sweeping
from gql_app.work.upkeep.guests import keep_settling_guests
from gql_app.work.upkeep.indexing import keep_indexing
from gql_app.work.upkeep.leftovers import keep_giving_back
from gql_app.work.upkeep.retention import keep_pruning
from models.database import opened
from models.database.probe import can_read, can_write

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0

REQUESTS_SHARE, DRAIN_SHARE = 0.4, 0.2
"""Of the time that a stop may take: for requests to end, and then for changes under way, those of
background jobs included. The rest is for the jobs themselves, the database and the supervisor."""


def build_app(settings: Settings) -> Starlette:
    """The ASGI application, from settings."""
    clock = Clock()
    feeds = Feeds()
    bus = Bus(settings.bus_url, feeds.notice, feeds.notice_all)
    changes = Changes(bus.ring, clock, Shares(settings.practice_connections, settings.wait_seconds))
    access_log = AccessLog(clock)
    imports = ImportRunner(changes, clock)
    services = _services(settings, changes, feeds, clock, access_log, imports)
    idle = settings.session_idle
    groups = Groups(access_log.note)
    last_use = LastUse(changes.make_for, seconds_passed)
    sessions = Sessions(clock, last_use.note, idle)
    keys = KeyLookup(clock, last_use.note, idle)
    signing_in = SigningIn(keys, changes, access_log, last_use, Challenges(clock), idle)
    schema = build_schema(introspection=settings.introspection == "on")
    trusted = _trusted(settings)
    schema.memory.documents.trusted = frozenset((trusted or {}).values())
    readiness = _readiness(keys)
    connections = Connections(room_for_connections(), settings.trusted_proxies)
    may_connect, documents = settings.allowed_origins, PersistedDocuments(trusted)
    endpoint = Endpoint(schema, services, groups, sessions, keys, may_connect, documents)
    return Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            Route("/download", Downloads(schema, services, sessions, keys)),
            *health_routes(bus, readiness),
            metrics_route(
                *(feeds, groups, bus, schema.memory.fallbacks, connections, settings.metrics_token),
                *(keys.guesses, services.budgets),
            ),
            *page_routes(),
            *Uploads(keys, changes, services.budgets).routes(),
            *signing_in.routes(),
            *Visits(keys, changes, access_log).routes(),
            *SigningInByProvider(changes, settings.oidc_secrets).routes(),
        ],
        middleware=_middleware(settings),
        lifespan=_lifespan(
            settings,
            services,
            groups,
            bus,
            sessions,
            connections,
            last_use,
            readiness,
            clock,
            imports,
        ),
    )


def _services(
    settings: Settings,
    changes: Changes,
    feeds: Feeds,
    clock: Clock,
    access_log: AccessLog,
    imports: ImportRunner,
) -> Services:
    budgets = make_budgets(settings.bus_url, settings.cost_per_second, settings.writes_per_second)
    lease, idle = timedelta(minutes=settings.claim_minutes), settings.session_idle
    return Services(
        *(changes, feeds, clock, lease),
        access_log=access_log,
        idle=idle,
        budgets=budgets,
        wake_imports=imports.wake,
    )


def _trusted(settings: Settings) -> dict[str, str] | None:
    """The documents that may be run, None for any. Callboard's own clients go on to work."""
    if settings.trusted_documents is None:
        return None
    return {sha256(text): text for text in own_documents()} | settings.trusted_documents


def _middleware(settings: Settings) -> list[Middleware]:
    return [
        Middleware(RequestLog),
        Middleware(AnswerHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts) or ["*"]),
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            # A GET is told to be a POST; clients that look for kept documents begin with one.
            allow_methods=["GET", "POST"],
            # Clients and tracers send headers of their own (apollographql-client-name, baggage,
            # traceparent, …). An origin that may send a key may send any.
            allow_headers=["*"],
            expose_headers=["Retry-After", "X-Request-ID"],
        ),
    ]


def _lifespan(
    settings: Settings,
    services: Services,
    groups: Groups,
    bus: Bus,
    sessions: Sessions,
    connections: Connections,
    last_use: LastUse,
    readiness: Readiness,
    clock: Clock,
    imports: ImportRunner,
) -> Callable[[Starlette], AbstractAsyncContextManager[dict[str, Any]]]:
    """What begins and ends with the server: the database, the clock and the background jobs."""
    changes = services.changes

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        _make_ready(settings, sessions)
        async with (
            # A worker that starts while PostgreSQL is away waits for it, and is not ready.
            opened(settings.database_url, settings.limits, may_be_away=True),
            _set(clock),
            # The changes of background jobs end before the database is closed.
            drained(changes.drain, DRAIN_SHARE * settings.stop_seconds) as drain,
            running(
                sessions.end_all,
                *(bus.run(), services.feeds.keep_polling(POLL_SECONDS)),
                *(sessions.keep_checking(), connections.keep_looking()),
                last_use.keep_writing(),
                services.access_log.keep_writing(changes, groups.settle),
                imports.keep_running(),
                *_by_the_clock(changes, clock, settings),
            ),
            _collected_less_often(),
        ):
            yield {CONNECTIONS: connections}
            await readiness.end()
            await services.budgets.close()
            await drain()  # while the bus still rings

    return lifespan


def _make_ready(settings: Settings, sessions: Sessions) -> None:
    """Say how this process logs, and how it ends."""
    keep_values_out_of_logs()
    end_in_time(settings.stop_seconds)
    on_stop(sessions.end_all)
    end_with_parent()


def _by_the_clock(
    changes: Changes, clock: Clock, settings: Settings
) -> list[Coroutine[Any, Any, None]]:
    """What the clock brings about."""
    return [
        clock.keep_looking(),
        keep_sweeping(changes, clock),
        keep_freeing(changes, clock),
        keep_ending_statuses(changes, clock),
        keep_calling_back(changes, clock),
        keep_indexing(changes),
        keep_pruning(changes, timedelta(days=settings.retention_days), clock),
        keep_pruning_audit(changes, timedelta(days=settings.audit_days), clock),
        keep_warning_of_ends(clock),
        keep_giving_back(changes),
        keep_settling_guests(changes),
    ]


@asynccontextmanager
async def _collected_less_often() -> AsyncIterator[None]:
    """Freeze the objects that exist at the start, and collect less often: a full collection walks
    through all connections and holds up the loop."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    yield
    gc.unfreeze()


def _build_worker(settings: Settings) -> Starlette:
    """The application, and in a worker's own process its log as well."""
    if multiprocessing.parent_process() is not None:
        set_up_logs(settings.log, settings.log_level, settings.security_log)
    return build_app(settings)


def server_config(
    settings: Settings,
    host: str,
    port: int,
    *,
    workers: int = 1,
    certificate: Path | None = None,
    private_key: Path | None = None,
) -> uvicorn.Config:
    """How uvicorn serves the application; by HTTPS if there is a `certificate`. Frames are not
    compressed: it costs more than it saves on messages of a few hundred bytes, for each socket
    anew."""
    return uvicorn.Config(
        # Workers are started afresh and build the application there, from the same values.
        partial(_build_worker, settings),
        factory=True,
        workers=workers,
        timeout_worker_healthcheck=30,  # importing it all takes seconds on a busy machine
        host=host,
        port=port,
        loop="gql_app.web.loop:Loop",
        http=GuardedProtocol,
        ws=FramesProtocol,
        ws_per_message_deflate=False,
        ws_max_size=256 * 1024,
        ssl_certfile=certificate,
        ssl_keyfile=private_key,
        forwarded_allow_ips=list(settings.trusted_proxies),
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=int(REQUESTS_SHARE * settings.stop_seconds),
    )


@asynccontextmanager
async def _set(clock: Clock) -> AsyncIterator[None]:
    """Set the clock before anything is done by it."""
    try:
        await clock.set()
    except Exception as error:  # the database may be away: it is set as soon as that is back
        log.warning("the clock could not be set, will retry: %s", type(error).__name__)
    yield


def _readiness(keys: KeyLookup) -> Readiness:
    return Readiness({"key": partial(_look_a_key_up, keys), "read": can_read, "write": can_write})


async def _look_a_key_up(keys: KeyLookup) -> None:
    with suppress(Unauthenticated):
        await keys.authenticate("cb_0_nobody")

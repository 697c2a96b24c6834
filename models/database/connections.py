"""How the database is configured and opened, and how its tables are brought up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url

from models.database import migrating, postgres, rights, sqlite
from models.database.opening import BAD_PARAMETER, BAD_URL, CannotOpen, connect, look_through
from models.database.secret import no_secret, read_secret
from models.database.sqlite_files import DatabaseLost
from models.database.transactions import connection, transaction
from models.limits import NO_LIMITS, USUAL_LIMITS, Busy, Limits
from models.wires import read_wire

MIGRATION_WAIT_SECONDS = 5.0
"""How long a migration of SQLite waits for another process that writes."""

LOOK_SECONDS = 0.5
"""How often SQLite's files are looked at while nobody writes."""

TABLES = [
    "models.practice",
    "models.people",
    "models.task",
    "models.contact",
    "models.appointment",
    "models.merge",
    "models.event",
    "models.access",
    "models.idempotency",
    "models.audit",
    "models.passkey",
    "models.identity",
    "models.group",
    "models.importing",
]


def orm_config(url: str, limits: Limits = NO_LIMITS) -> dict[str, Any]:
    """Tortoise's configuration for the database at `url` (sqlite://… or postgres://…). Raises
    `BadWire`."""
    # Tortoise caches the statements that it builds by the connection's name, with the placeholders
    # of one kind of database. So two kinds in one process need two names.
    name = url.partition("://")[0]
    if name == "sqlite":
        # synchronous=FULL: an acknowledged change survives a power cut. busy_timeout: the command
        # line may write to the file while the server does.
        wait = round((limits.wait or MIGRATION_WAIT_SECONDS) * 1_000)
        url += ("&" if "?" in url else "?") + f"synchronous=FULL&busy_timeout={wait}"
        connection = expand_db_url(url)
        connection["credentials"]["limits"] = limits
    else:
        wire = read_wire(url)
        connection = expand_db_url(wire.url)
        connection["credentials"] |= {"limits": limits, "ssl": wire.for_postgres()}
    connection["engine"] = f"models.database.{'sqlite' if name == 'sqlite' else 'postgres'}"
    return {
        "connections": {name: connection},
        "apps": {
            "models": {
                "models": TABLES,
                "migrations": "models.migrations",
                "default_connection": name,
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


MAKEMIGRATIONS_CONFIG = orm_config("sqlite://:memory:")
"""For `tortoise makemigrations`, which compares the models with the migrations."""


@asynccontextmanager
async def opened(
    url: str, limits: Limits = USUAL_LIMITS, *, may_be_away: bool = False
) -> AsyncIterator[None]:
    """Open the database for as long as the block lasts, for every task of the process. Raises
    `CannotOpen` if it cannot be reached, or if its tables are not those of this version. With
    `may_be_away`, a server that cannot be reached now is no error."""
    async with _connected(
        url, limits, everywhere=True, may_be_away=may_be_away, may_be_new=False
    ) as client:
        with no_secret():
            if client is not None:
                try:
                    await rights.check(client)
                    await migrating.check(client)
                    await read_secret()
                except Busy:
                    if not may_be_away:
                        raise
            yield


async def check(url: str) -> None:
    """Raise `CannotOpen` unless the database at `url` can be served as it is."""
    async with _connected(url, may_be_new=False) as client:
        assert client is not None
        if isinstance(client, sqlite.Client):
            await look_through(client)
        await rights.check(client)
        await migrating.check(client)


async def grant_serving(url: str, role: str) -> None:
    """Let `role` serve from the database at `url`, which is PostgreSQL's. Raises `CannotOpen`."""
    async with _connected(url):
        await rights.grant(role)


async def migrate(url: str) -> None:
    """Bring the tables of the database at `url` up to date. Raises `CannotOpen`."""
    async with _connected(url) as client:
        assert client is not None
        if isinstance(client, sqlite.Client):
            await look_through(client)
        if await migrating.is_up_to_date(client):
            return
        await migrating.prepare(client)
        async with transaction() as begun:
            await migrating.bring_up_to_date(begun, orm_config(url)["apps"]["models"])


@asynccontextmanager
async def _connected(
    url: str,
    limits: Limits = NO_LIMITS,
    *,
    everywhere: bool = False,
    may_be_away: bool = False,
    may_be_new: bool = True,
) -> AsyncIterator[BaseDBAsyncClient | None]:
    """Yield a connection to the database, or None if it cannot be reached and `may_be_away`.

    The global fallback (`everywhere`) is needed because Starlette runs its lifespan in another task
    than the requests, and Tortoise finds connections through a context variable.
    """
    try:
        context = await Tortoise.init(
            config=orm_config(url, limits), _enable_global_fallback=everywhere
        )
    except BAD_PARAMETER:
        raise CannotOpen(BAD_URL) from None
    try:
        client: BaseDBAsyncClient | None = connection()
        assert client is not None
        try:
            await connect(client, may_be_new=may_be_new)
        except CannotOpen:
            if not (may_be_away and isinstance(client, postgres.Client)):
                raise
            client = None
        yield client
    finally:
        await context.close_connections()
        context.__exit__(None, None, None)


async def until_lost() -> None:
    """Return once SQLite's files were replaced, removed or found damaged. For PostgreSQL, which has
    no files here, never return."""
    client = connection()
    if not isinstance(client, sqlite.Client):
        await asyncio.Event().wait()
        return
    while True:
        with suppress(DatabaseLost):
            client.files.check()
        if client.files.is_lost:
            return
        await asyncio.sleep(LOOK_SECONDS)

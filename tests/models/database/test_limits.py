"""PostgreSQL: how long statements, locks, connections and idle transactions may take."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest

from models.database import fetch, opened, snapshot, transaction, transactions, write
from models.database.postgres import CONNECTIONS
from models.limits import NO_LIMITS, USUAL_LIMITS, Busy, Limits
from tests.brokers import until
from tests.flows.commands import free_port
from tests.office import make_office
from tests.proxies import Swallower, swallower
from tests.serving import PATIENCE

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

NAMES = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
LONGER = "SELECT 1 FROM pg_sleep(0.3)"
TOUCH = "UPDATE practice SET seq = seq RETURNING id"
HELD_UP = "SELECT 1 FROM practice FOR UPDATE"


class Number(NamedTuple):
    number: int


class Text(NamedTuple):
    text: str


@pytest.mark.parametrize(
    ("limits", "told"), [(USUAL_LIMITS, ["10s", "3s", "15s"]), (NO_LIMITS, ["0", "0", "0"])]
)
async def test_the_server_keeps_the_limits_too_and_migrations_have_none(
    database_url: str, limits: Limits, told: list[str]
) -> None:
    async with opened(database_url, limits):
        shown = [(await fetch(Text, f"SHOW {name}"))[0].text for name in NAMES]
    assert shown == told


async def test_a_statement_has_its_time_and_a_report_has_more(database_url: str) -> None:
    async with opened(database_url, Limits(statement=0.1, report=PATIENCE)):
        with pytest.raises(Busy) as busy:
            await fetch(Number, LONGER)
        assert busy.value.reason == "a statement took too long"
        for _ in range(CONNECTIONS + 1):  # a connection that comes back has its usual time again
            async with snapshot(is_long=True):
                assert await fetch(Number, LONGER) == [(1,)]
            with pytest.raises(Busy):
                async with snapshot():
                    await fetch(Number, LONGER)


async def test_a_lock_is_waited_for_no_longer_than_allowed(
    database_url: str, outside: asyncpg.Connection
) -> None:
    async with opened(database_url, Limits(wait=0.2)), asyncio.timeout(PATIENCE):
        await make_office()
        async with outside.transaction():
            await outside.execute(HELD_UP)
            with pytest.raises(Busy) as busy:
                async with transaction():
                    await write(TOUCH)
            assert busy.value.reason == "a lock was not free in time"
        async with transaction():
            assert await write(TOUCH)


async def test_nobody_waits_long_for_a_connection_or_for_a_turn_to_read(database_url: str) -> None:
    async with opened(database_url, Limits(wait=0.2)), asyncio.timeout(PATIENCE):
        async with AsyncExitStack() as stack:
            client: Any = transactions.connection()
            await client.acquire_connection().ensure_connection()
            for _ in range(CONNECTIONS - len(client._readers)):  # these are kept for reading
                await stack.enter_async_context(client._pool.acquire())
            with pytest.raises(Busy, match="busy"):
                async with transaction():
                    pass
        reads = [fetch(Number, "SELECT 1 FROM pg_sleep(0.5)") for _ in range(CONNECTIONS)]
        results = await asyncio.gather(*reads, return_exceptions=True)
        refused = [result for result in results if isinstance(result, Busy)]
        assert [busy.reason for busy in refused] == ["too many wait to read"] * (CONNECTIONS // 2)
        assert await fetch(Number, "SELECT 1") == [(1,)]


async def test_a_transaction_in_which_nothing_happens_is_ended_by_the_server(
    database_url: str, outside: asyncpg.Connection
) -> None:
    async with opened(database_url, Limits(idle=0.2)), asyncio.timeout(PATIENCE):
        await make_office()
        idle = asyncio.Event()
        idling = asyncio.create_task(idle_after_a_write(idle))
        await idle.wait()
        await outside.execute(TOUCH)  # waits until the server lets the row go
        idling.cancel()
        await asyncio.wait({idling})
        async with transaction():
            assert await write(TOUCH)


async def idle_after_a_write(idle: asyncio.Event) -> None:
    async with transaction():
        await write(TOUCH)
        idle.set()
        await asyncio.Event().wait()


async def test_the_kernel_ends_a_network_connection_that_is_silent(database_url: str) -> None:
    async with swallower(database_url) as proxy, opened(proxy.url, Limits(silence=6)):
        client: Any = transactions.connection()
        async with client.acquire_connection() as connection:
            tcp = connection._transport.get_extra_info("socket")
            assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 2
            assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 6_000


async def test_a_silent_connection_takes_the_idle_ones_with_it(database_url: str) -> None:
    """They are all tried at once afterwards: without it each of them would have its own wait."""
    limits = Limits(statement=0.1, wait=PATIENCE)
    async with swallower(database_url) as proxy, opened(proxy.url, limits):
        client: Any = transactions.connection()
        await client.acquire_connection().ensure_connection()
        async with AsyncExitStack() as stack:
            for _ in range(CONNECTIONS - len(client._readers)):  # these are kept for reading
                await stack.enter_async_context(client._pool.acquire())
        proxy.swallow()
        with pytest.raises(Busy) as busy:
            await fetch(Number, "SELECT 1")
        assert busy.value.reason == "the database did not answer"
        proxy.flow(old_too=False)
        reads = [fetch(Number, "SELECT 1") for _ in range(CONNECTIONS // 2)]
        writes = [begin_and_end() for _ in range(CONNECTIONS - CONNECTIONS // 2)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*reads, *writes)


async def begin_and_end() -> None:
    async with transaction():
        pass


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not there; on Debian: pgbouncer")
async def test_a_pooler_that_refuses_limits_is_used_without_them_and_the_log_says_so(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        swallower(database_url) as proxy,
        pooler(proxy, tmp_path) as url,
        opened(f"{url}?statement_cache_size=0"),
        asyncio.timeout(PATIENCE),
    ):
        await make_office()
        async with transaction():
            assert await write(TOUCH)
    (line,) = [record.message for record in caplog.records if "pooler" in record.message]
    assert "lock_timeout" in line


@asynccontextmanager
async def pooler(proxy: Swallower, folder: Path) -> AsyncIterator[str]:
    """PgBouncer before the database behind the proxy; its URL."""
    parts = urlsplit(proxy.url)
    port, name = free_port(), parts.path[1:]
    (folder / "users").write_text(f'"{parts.username}" ""\n')
    (folder / "settings").write_text(
        f"[databases]\n{name} = host=127.0.0.1 port={parts.port} user={parts.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {folder}/users\npool_mode = transaction\n"
    )
    assert PGBOUNCER is not None
    process = await asyncio.create_subprocess_exec(
        PGBOUNCER, "-q", *(["-u", "nobody"] if os.geteuid() == 0 else []), str(folder / "settings")
    )
    try:
        await until(lambda: listens(port))
        yield f"postgres://{parts.username}@127.0.0.1:{port}/{name}"
    finally:
        process.terminate()
        await process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

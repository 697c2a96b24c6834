"""Lines to a real PostgreSQL and a real Redis: many at once on one, and an end that is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
import redis
from redis.asyncio import Redis

from gql_app.live import lines
from gql_app.live.lines import Line, PostgresLine, RedisLine
from tests.brokers import Broker, until
from tests.serving import PATIENCE


@asynccontextmanager
async def watched(url: str, heard: list[str]) -> AsyncIterator[tuple[Line, asyncio.Task[None]]]:
    """A line, and the task that waits for its end."""
    kind = RedisLine if url.startswith("redis") else PostgresLine
    line = await kind.open(url, heard.append)
    watching = asyncio.create_task(line.watch())
    try:
        yield line, watching
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await line.close()


async def test_any_number_may_send_at_once(bus_url: str) -> None:
    heard: list[str] = []
    texts = [f"{practice}:1" for practice in range(50)]
    async with watched(bus_url, heard) as (line, _):
        await asyncio.gather(*map(line.send, texts))
        await until(lambda: len(heard) == 50)
    assert sorted(heard) == sorted(texts)


async def test_the_longest_text_comes_through(bus_url: str) -> None:
    heard: list[str] = []
    async with watched(bus_url, heard) as (line, _):
        await line.send("7" * 7_999)
        await until(lambda: heard == ["7" * 7_999])


async def test_a_line_that_is_lost_says_so_and_sends_no_more(broker: Broker) -> None:
    async with watched(broker.url, []) as (line, watching):
        await broker.stop()
        await asyncio.wait([watching], timeout=PATIENCE)
        assert isinstance(watching.exception(), Exception)
        with pytest.raises((OSError, asyncpg.InterfaceError, redis.ConnectionError)):
            await line.send("1:1")


async def test_a_line_that_could_not_send_is_lost(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "QUIET_SECONDS", 0.1)
    async with watched(broker.url, []) as (line, watching):
        with pytest.raises((asyncpg.DataError, redis.DataError)):
            await line.send(object())  # type: ignore[arg-type] # what neither of them takes
        await asyncio.wait([watching], timeout=PATIENCE)
        assert isinstance(watching.exception(), Exception)


async def test_a_send_ends_though_redis_py_swallows_that_it_is_cancelled(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, publish = asyncio.Event(), Redis.publish

    async def swallow(client: Redis, *given: str) -> int:
        with suppress(asyncio.CancelledError):
            begun.set()
            await asyncio.Event().wait()
        return int(await publish(client, *given))

    monkeypatch.setattr(Redis, "publish", swallow)
    async with watched(redis_url, []) as (line, _):
        sending = asyncio.create_task(line.send("7:41"))
        await begun.wait()
        sending.cancel()
        await asyncio.wait([sending], timeout=PATIENCE)
        assert sending.cancelled()

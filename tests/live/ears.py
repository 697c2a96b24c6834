"""A bus at work, with ears that keep what it hears; and what a stranger hears on the network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from redis.asyncio import Redis

from gql_app.live.bus import Bus
from gql_app.live.lines import CHANNEL
from tests.brokers import until
from tests.serving import PATIENCE


class Ears:
    """What a bus hears; `bus` is the one that they are on."""

    bus: Bus

    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []
        self.rereads = 0

    def reread(self) -> None:
        self.rereads += 1

    def hear(self, practice_id: int, seq: int) -> None:
        self.heard.append((practice_id, seq))

    async def until(self, *rings: tuple[int, int]) -> None:
        await until(lambda: set(rings) <= set(self.heard))


@asynccontextmanager
async def listening(url: str, *before: tuple[int, int]) -> AsyncIterator[Ears]:
    """A bus that is connected; `before` is rung when it does not yet run."""
    ears = Ears()
    bus = ears.bus = Bus(url, ears.hear, ears.reread)
    for ring in before:
        bus.ring(*ring)
    work = asyncio.create_task(bus.run())
    try:
        await until(lambda: bus.is_connected)
        yield ears
        assert not work.done(), "it runs until it is cancelled"
    finally:
        work.cancel()
        await asyncio.wait([work], timeout=PATIENCE)
    assert work.cancelled()


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[list[str]]:
    """Everything that a client of the network's bus gets to hear, on whatever channel."""
    texts: list[str] = []
    if not url.startswith("redis"):
        connection = await asyncpg.connect(url)
        await connection.add_listener(CHANNEL, lambda *given: texts.append(given[-1]))
        try:
            yield texts
        finally:
            await connection.close()
        return
    async with Redis.from_url(url) as client, client.pubsub() as subscription:
        await subscription.psubscribe("*")
        await subscription.get_message(timeout=PATIENCE)  # subscribed

        async def keep() -> None:
            while True:
                message = await subscription.get_message(timeout=None)
                texts.append(message["data"].decode())

        keeping = asyncio.create_task(keep())
        try:
            yield texts
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def publish(url: str, text: str) -> None:
    """Send a text on the bus's channel as a stranger would."""
    if url.startswith("redis"):
        async with Redis.from_url(url) as client:
            await client.publish(CHANNEL, text)
        return
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, text)
    await connection.close()

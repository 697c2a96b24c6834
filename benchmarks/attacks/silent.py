"""Connections that say nothing, or say it slowly, from somebody without a key."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.attacks.honest import Waits, asking, p99
from benchmarks.attacks.lines import life, line
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage, Victim
from models.roles import Role

HEAD = b"POST /session HTTP/1.1\r\nHost: localhost\r\n"
BODY = HEAD + b"Content-Type: application/json\r\nOrigin: http://localhost\r\n"
KINDS = (b"", HEAD + b"X: ", BODY + b"Content-Length: 9000\r\n\r\n{")
"""How they begin: silent, slow in the head, slow in the body."""

FEED = "subscription { queueFeed { __typename } }"
OPEN_FILES = 1024


async def run(stage: Stage) -> list[Row]:
    rows = [] if stage.quick else await _three_hundred(stage)
    return rows + await _more_than_fit(stage)


async def _three_hundred(stage: Stage) -> list[Row]:
    """As many as one address may have: each is closed in time."""
    async with stage.serving() as victim, _beside(victim) as (waits, board):
        async with AsyncExitStack() as lines:
            attackers = []
            for number in range(300):
                attacker = await lines.enter_async_context(line(victim.port))
                begin = KINDS[number % len(KINDS)]
                attacker[1].write(begin)
                attackers.append(life(attacker, b"a" if begin else b""))
            lives = await asyncio.gather(*attackers)
        still_there = await _is_alive(board)
    name = "300 silent and slow ones"
    return [
        at_most(f"{name}: closed after", max(lives), 10, "s"),
        *_others(name, waits, is_alive=still_there),
        *_in_time(name, waits),
    ]


async def _more_than_fit(stage: Stage) -> list[Row]:
    """More than the server may open files, from a hundred addresses, and coming back."""
    number = 1_100
    async with stage.serving(open_files=OPEN_FILES) as victim, _beside(victim) as (waits, board):
        async with AsyncExitStack() as lines:
            for each in range(number if stage.quick else 3 * number):
                source = f"127.0.1.{each % 100 + 1}"
                attacker = await lines.enter_async_context(line(victim.port, source))
                attacker[1].write(KINDS[each % len(KINDS)])
            await asyncio.sleep(0.5 if stage.quick else 3)
            open_files = victim.open_files()
        still_there = await _is_alive(board)
    name = f"{number:,} silent ones, {OPEN_FILES:,} files"
    return [
        at_most(f"{name}: open", open_files, OPEN_FILES - 64, "files"),
        *_others(name, waits, is_alive=still_there),
        *([] if stage.quick else _in_time(name, waits)),
    ]


@asynccontextmanager
async def _beside(victim: Victim) -> AsyncIterator[tuple[Waits, ClientConnection]]:
    """Honest clients beside the attack: one that asks, and a dashboard that is signed in."""
    key = victim.other.keys[Role.STAFF]
    url = victim.url.replace("http", "ws") + "/graphql"
    async with (
        asking(victim.url, key) as waits,
        connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as board,
    ):
        await board.send(json.dumps({"type": "connection_init", "payload": {"authorization": key}}))
        await board.recv()
        await board.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": FEED}}))
        await board.recv()
        yield waits, board


async def _is_alive(board: ClientConnection) -> bool:
    try:
        await board.send(json.dumps({"type": "ping"}))
        async with asyncio.timeout(5):
            while json.loads(await board.recv())["type"] != "pong":
                pass
    except (ConnectionClosed, TimeoutError):
        return False
    return True


def _others(name: str, waits: Waits, *, is_alive: bool) -> list[Row]:
    return [
        expected(f"{name}: others' requests that failed", waits.failed, 0),
        expected(f"{name}: a dashboard goes on", is_alive, wanted=True),
    ]


def _in_time(name: str, waits: Waits) -> list[Row]:
    return [
        at_most(f"{name}: /healthz, p99", p99(waits.healthz), 2_000, "ms"),
        at_most(f"{name}: a page, p99", p99(waits.page), 2_000, "ms"),
    ]

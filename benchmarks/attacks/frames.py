"""Frames at random on many sockets: each socket goes on, or is closed with a code of the protocol.

Frames are messages of graphql-transport-ws with parts exchanged, texts and bytes at random, and
bytes that are no frame at all. Half of the sockets have said who they are before.
"""

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import METRICS_TOKEN, Stage, Victim
from gql_app.web.close_codes import CloseCode
from models.roles import Role

FRAMES, QUICK_FRAMES = 10_000, 500
SOCKETS = 20
"""At once."""
A_SOCKET = 50
"""Frames of one socket, if it lives as long."""
SETTLED_SECONDS = 15.0
SEED = 16

TEXTS = (
    *("", "null", "[]", "0", '"x"', "{", "{}", '{"type":null}', "\x00", "\ufeff{}", "[" * 20_000),
    *('{"type":"subscribe"}', '{"id":"\\ud83d","type":"subscribe","payload":{"query":"{x}"}}'),
)
QUERIES = (
    *("{ viewer { name } }", "{ tasks(first: 2) { nodes { id } } }", "{", "\x00", "{ a" * 3_000),
    *(
        "query A { x } query B { x }",
        "fragment A on Task { ...A }",
        "{ __schema { types { name } } }",
    ),
    *("subscription { taskStatusChanged { now } }", "subscription { queueFeed { __typename } }"),
    "mutation { releaseTask }",
)
TYPES = ("subscribe", "complete", "ping", "pong", "connection_init", "next", "error", "", "x" * 500)
VALUES: tuple[Any, ...] = (None, True, 0, -1, 1e308, "", "1", "é", "x" * 300, [], [1], {}, {"a": 1})
RAW = (
    b"\xff" * 40,  # no frame
    b"\x83\x80\x00\x00\x00\x00",  # an opcode that there is not
    b"\x81\x02{}",  # a client's frame that is not masked
    b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # a text that is not UTF-8
    b"\x80\x80\x00\x00\x00\x00",  # goes on with what has not begun
    b"\x89\xfe\x00\xff\x00\x00\x00\x00" + b"x" * 255,  # a ping that is too long
)


async def run(stage: Stage) -> list[Row]:
    random = Random(SEED)
    count = QUICK_FRAMES if stage.quick else FRAMES
    async with stage.serving() as victim:
        closes: Counter[int] = Counter()
        sent = 0
        while sent < count:
            rounds = [_socket(victim, Random(random.random()), closes) for _ in range(SOCKETS)]
            sent += sum(await asyncio.gather(*rounds))
        known = {1000, *CloseCode}
        abnormal = sum(n for code, n in closes.items() if code not in known)
        return [
            at_most(f"{sent:,} frames at random: abnormal closes", abnormal, 0, "sockets"),
            expected("… streams that still run when all have gone", await _left(victim), 0),
            expected("… lines of the log that are errors", victim.errors_logged(), 0),
        ]


async def _socket(victim: Victim, random: Random, closes: Counter[int]) -> int:
    """Send frames on a socket of its own for as long as it lives. Gives how many."""
    key = victim.attacker.keys[random.choice(list(Role))] if random.random() < 0.5 else None
    sent = 0
    url = f"ws://127.0.0.1:{victim.port}/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    try:
        async with connect(url, subprotocols=protocols, max_size=None) as connection:
            reading = asyncio.create_task(_read(connection))
            try:
                if key is not None:
                    payload = {"Authorization": f"Bearer {key}"}
                    await connection.send(
                        json.dumps({"type": "connection_init", "payload": payload})
                    )
                goes_on = True
                while goes_on and sent < A_SOCKET:
                    goes_on = await _send(connection, random)
                    sent += 1
            finally:
                if goes_on:
                    await connection.close()
                await reading
            closes[connection.close_code or 1006] += 1
    except ConnectionClosed as closed:
        closes[closed.rcvd.code if closed.rcvd else 1006] += 1
    except InvalidStatus as refused:  # too many at once: said in HTTP
        closes[1000 if refused.response.status_code < 500 else 1006] += 1
    return max(sent, 1)


async def _read(connection: ClientConnection) -> None:
    try:
        async for _ in connection:
            pass
    except ConnectionClosed:
        pass


async def _send(connection: ClientConnection, random: Random) -> bool:
    """Send something. False after what the server has to close for: who then sends more, and does
    not read, may have its close thrown away by TCP."""
    match random.randrange(20):
        case 0:
            connection.transport.write(random.choice(RAW))
            return False
        case 1:
            await connection.send(random.randbytes(random.randrange(200)))
        case 2 | 3:
            await connection.send(random.choice(TEXTS))
        case 4:
            await connection.ping(random.randbytes(random.randrange(126)))
        case _:
            await connection.send(json.dumps(_message(random)))
    return True


def _message(random: Random) -> dict[str, Any]:
    """A message of the protocol, in which something may be exchanged."""
    query: dict[str, Any] = {"query": random.choice(QUERIES)}
    message = {"id": str(random.randrange(6)), "type": "subscribe", "payload": query}
    if random.random() < 0.4:
        message["type"] = random.choice(TYPES)
    if random.random() < 0.3:
        query[random.choice(("variables", "operationName", "extensions", "query"))] = random.choice(
            VALUES
        )
    if random.random() < 0.2:
        message[random.choice(("id", "payload", "type"))] = random.choice(VALUES)
    return message


async def _left(victim: Victim) -> int:
    """How many streams still run, once those of closed sockets have had time to end."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    client = httpx.AsyncClient(base_url=victim.url, headers=headers)
    async with client, asyncio.timeout(SETTLED_SECONDS):
        while True:
            lines = (await client.get("/metrics")).text.splitlines()
            line = next(each for each in lines if each.startswith("callboard_live_streams "))
            streams = int(float(line.split()[1]))
            if streams == 0:
                return 0
            await asyncio.sleep(0.2)

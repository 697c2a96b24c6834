"""What one key does again and again: subscriptions, pings, claims that are given back."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.attacks.asking import flood
from benchmarks.attacks.honest import asking
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage, Victim
from benchmarks.attacks.waiting import waiting
from models.roles import Role

SUBSCRIPTIONS, QUICK_SUBSCRIPTIONS = 1_000, 200
SOCKETS = 10
CHANGES = 1
"""Changes a second that the key is allowed, in place of 50: a slow machine reaches them too."""
CLAIM = "mutation ($id: ID!) { claimTask(taskId: $id) { errors { code } } }"
RELEASE = "mutation ($id: ID!) { releaseTask(taskId: $id) { errors { code } } }"

SLOW = {"CALLBOARD_WRITES_PER_SECOND": str(CHANGES)}


async def run(stage: Stage) -> list[Row]:
    rows = []
    for attack, setting in ((_subscribe, {}), (_ping, {}), (_claim, SLOW)):
        async with (
            stage.serving(None, **setting) as victim,
            asking(victim.url, victim.other.keys[Role.STAFF]) as waits,
        ):
            found = await attack(stage, victim)
        rows += [*found, *waiting(stage, found[0].attack, waits)]
    return rows


async def _subscribe(stage: Stage, victim: Victim) -> list[Row]:
    """Many different subscriptions, and changes that each of them is executed for."""
    count = QUICK_SUBSCRIPTIONS if stage.quick else SUBSCRIPTIONS
    key = victim.attacker.keys[Role.STAFF]
    sockets = [await _socket(victim, key) for _ in range(SOCKETS)]
    for n in range(count):
        document = f"subscription {{ a{n}: taskStatusChanged {{ seq task {{ id reason }} }} }}"
        message = {"id": str(n), "type": "subscribe", "payload": {"query": document}}
        await sockets[n % SOCKETS].send(json.dumps(message))
    readers = [asyncio.create_task(_refusals(socket)) for socket in sockets]
    task = victim.attacker.tasks[0]
    await flood(victim.url, key, lambda _: _logged(task), 1, _seconds(stage))
    await asyncio.gather(*(socket.close() for socket in sockets))
    allowed = count - sum(await asyncio.gather(*readers))
    return [at_most("different subscriptions of one key", allowed, 50, f"of {count:,}")]


async def _refusals(socket: ClientConnection) -> int:
    """How many of its subscriptions are refused, until the socket is closed."""
    return sum([json.loads(message)["type"] == "error" async for message in socket])


async def _ping(stage: Stage, victim: Victim) -> list[Row]:
    socket = await _socket(victim, victim.attacker.keys[Role.STAFF])
    reader = asyncio.create_task(_refusals(socket))
    until = time.monotonic() + _seconds(stage)
    with suppress(ConnectionClosed):
        while time.monotonic() < until:
            await socket.send('{"type":"ping"}')
            await asyncio.sleep(0)  # the reader's turn: who reads nothing is cut off for that
    await socket.close()
    with suppress(ConnectionClosed):
        await reader
    return [expected("a flood of pings: the close code", socket.close_code, 1008)]


async def _claim(stage: Stage, victim: Victim) -> list[Row]:
    key = victim.attacker.keys[Role.STAFF]
    task = victim.attacker.tasks[1]
    documents, seconds = (CLAIM, RELEASE), _seconds(stage)
    statuses = await flood(
        victim.url,
        key,
        lambda n: {"query": documents[n % 2], "variables": {"id": task}},
        1,
        seconds,
    )
    return [
        at_most(
            "claim and release in a loop: changes", statuses[200], CHANGES * (11 + 2 * seconds), ""
        ),
        expected("claim and release in a loop: refused", statuses[429] > 0, True),
    ]


def _seconds(stage: Stage) -> float:
    return 2 if stage.quick else 8


async def _socket(victim: Victim, key: str) -> ClientConnection:
    url = victim.url.replace("http", "ws", 1) + "/graphql"
    socket = await connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None)
    payload = {"authorization": f"Bearer {key}"}
    await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
    await socket.recv()
    return socket


def _logged(task: str) -> dict[str, Any]:
    document = """mutation ($id: ID!) { logContact(taskId: $id, outcome: NO_ANSWER, close: false,
        followUp: "2026-12-24") { errors { code } } }"""
    return {"query": document, "variables": {"id": task}}

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

SUBSCRIPTIONS = 1_000
SOCKETS = 10
QUIET = 1.0
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
            found = await attack(victim, 2 if stage.quick else 8)
        rows += [*found, *waiting(stage, found[0].attack, waits)]
    return rows


async def _subscribe(victim: Victim, seconds: float) -> list[Row]:
    """A thousand different subscriptions, and changes that each of them is executed for."""
    key = victim.attacker.keys[Role.STAFF]
    sockets = [await _socket(victim, key) for _ in range(SOCKETS)]
    allowed = 0
    for n in range(SUBSCRIPTIONS):
        document = f"subscription {{ a{n}: taskStatusChanged {{ seq task {{ id reason }} }} }}"
        message = {"id": str(n), "type": "subscribe", "payload": {"query": document}}
        await sockets[n % SOCKETS].send(json.dumps(message))
    for socket in sockets:
        refused = 0
        with suppress(TimeoutError):  # no more come
            while json.loads(await asyncio.wait_for(socket.recv(), QUIET)):
                refused += 1
        allowed += SUBSCRIPTIONS // SOCKETS - refused
    task = victim.attacker.tasks[0]
    await flood(victim.url, key, lambda _: _logged(task), 1, seconds)
    for socket in sockets:
        await socket.close()
    return [at_most("different subscriptions of one key", allowed, 50, "of 1,000")]


async def _ping(victim: Victim, seconds: float) -> list[Row]:
    socket = await _socket(victim, victim.attacker.keys[Role.STAFF])
    sent, until = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            await socket.send('{"type":"ping"}')
            sent += 1
            if sent % 100 == 0:
                await socket.recv()
        await socket.close()
    except ConnectionClosed:
        pass
    return [expected("a flood of pings: the close code", socket.close_code, 1008)]


async def _claim(victim: Victim, seconds: float) -> list[Row]:
    key = victim.attacker.keys[Role.STAFF]
    task = victim.attacker.tasks[1]
    documents = (CLAIM, RELEASE)
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

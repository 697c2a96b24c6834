"""Agents who claim the next task and give it back, over HTTP: a load in which each request hangs on
the answer before it."""

import asyncio
import time

import orjson

from benchmarks.requests import Connection, Order, encoded

CLAIM = "mutation { claimNextTask { task { id } errors { code } } }"
RELEASE = "mutation ($task: ID!) { releaseTask(taskId: $task) { task { id } errors { code } } }"


async def claims_a_second(port: int, keys: list[str], seconds: float) -> float:
    """How many claims are made and given back, by an agent a key, one at a time each."""
    until = time.perf_counter() + seconds
    made = await asyncio.gather(*(_agent(port, key, until) for key in keys))
    return sum(made) / seconds


async def _agent(port: int, key: str, until: float) -> int:
    order = Order(port, [])
    headers = {"Authorization": f"Bearer {key}"}
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, order.host, port)
    claims = 0
    while time.perf_counter() < until:
        task = await _ask(connection, encoded(order, headers, {"query": CLAIM}), "claimNextTask")
        body = {"query": RELEASE, "variables": {"task": task}}
        await _ask(connection, encoded(order, headers, body), "releaseTask")
        claims += 1
    connection.close()
    return claims


async def _ask(connection: Connection, request: bytes, field: str) -> str:
    _, body = await connection.exchange(request)
    payload = orjson.loads(body)["data"][field]
    assert not payload["errors"], payload
    return str(payload["task"]["id"])

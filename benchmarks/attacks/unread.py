"""Answers that nobody reads: over HTTP, pipelined, on sockets, and pongs. With a key."""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.frames import Frame, Opcode

from benchmarks.attacks.lines import Line, line
from benchmarks.attacks.rows import Row, at_most
from benchmarks.attacks.victim import Stage, Victim
from models.contact_checks import MAX_NOTES
from models.roles import Role

NOTES = " ".join(f"n{number}: notes" for number in range(49))
LONG = f"query ($id: ID!) {{ task(id: $id) {{ contacts(first: 1) {{ nodes {{ {NOTES} }} }} }} }}"
"""1.4 MB of answer, for little work."""
LOG = """mutation ($id: ID!, $day: Date!, $notes: String!) {
    logContact(taskId: $id, outcome: NO_ANSWER, followUp: $day, notes: $notes) {
        errors { code } } }"""

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
PATIENCE = 60.0

Question = dict[str, Any]
PINGS = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 2_000


async def run(stage: Stage) -> list[Row]:
    clients = 40 if stage.quick else 100
    async with stage.serving() as victim:
        before = victim.memory()
        victim.forget_peak()
        files = victim.open_files()
        async with AsyncExitStack() as lines:
            await _ping(await lines.enter_async_context(line(victim.port)))
            pongs = victim.peak() - before
            question = await _long(victim)
            victim.forget_peak()
            for number in range(clients):
                attacker = await lines.enter_async_context(line(victim.port))
                await (_pipeline if number % 2 else _ask_on_a_socket)(victim, attacker, question)
            await (asyncio.sleep(1) if stage.quick else _closed(victim, files))
            more, left = victim.peak() - before, victim.open_files() - files
    rows = [
        at_most("unread pongs: more memory", pongs, 16, "MB"),
        at_most("unread answers: more memory", more, 192, "MB"),
    ]
    if not stage.quick:
        rows.append(at_most("unread answers: connections left open", max(0, left), 0, "lines"))
    return rows


async def _closed(victim: Victim, files: int) -> None:
    """Wait until the server has as many files open as before, but not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while victim.open_files() > files:
                await asyncio.sleep(0.5)


async def _long(victim: Victim) -> Question:
    """What to ask for the longest answer: many times the notes of one contact."""
    task = victim.attacker.tasks[0]
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    key = victim.attacker.keys[Role.SUPERVISOR]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=victim.url, headers=headers) as client:
        log = {"query": LOG, "variables": {"id": task, "day": day, "notes": "電" * MAX_NOTES}}
        answer = (await client.post("/graphql", json=log)).json()
        assert answer["data"]["logContact"]["errors"] == [], answer
    return {"query": LONG, "variables": {"id": task}}


async def _pipeline(victim: Victim, attacker: Line, question: Question) -> None:
    """Ask twenty times at once."""
    _stop_reading(attacker)
    body = json.dumps(question).encode()
    key = victim.attacker.keys[Role.SUPERVISOR].encode()
    attacker[1].write(
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (key, len(body), body) * 20
    )


async def _ask_on_a_socket(victim: Victim, attacker: Line, question: Question) -> None:
    await _open_socket(attacker)
    key = victim.attacker.keys[Role.SUPERVISOR]
    begin = {"type": "connection_init", "payload": {"authorization": key}}
    asked = [{"id": str(n), "type": "subscribe", "payload": question} for n in range(20)]
    for message in (begin, *asked):
        frame = Frame(Opcode.TEXT, json.dumps(message).encode())
        attacker[1].write(frame.serialize(mask=True))


async def _ping(attacker: Line) -> None:
    """Send 100 MB of pings, for as many pongs."""
    await _open_socket(attacker)
    with suppress(OSError, TimeoutError):
        for _ in range(400):
            attacker[1].write(PINGS)
            async with asyncio.timeout(5):
                await attacker[1].drain()


async def _open_socket(attacker: Line) -> None:
    attacker[1].write(UPGRADE)
    await attacker[0].readuntil(b"\r\n\r\n")
    _stop_reading(attacker)


def _stop_reading(attacker: Line) -> None:
    attacker[1].transport.pause_reading()  # type: ignore[attr-defined]

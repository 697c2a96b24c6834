"""Answers that nobody reads: over HTTP, pipelined, on sockets, and pongs. With a key."""

import asyncio
import json
from contextlib import AsyncExitStack, suppress

from websockets.frames import Frame, Opcode

from benchmarks.attacks.lines import Line, line
from benchmarks.attacks.rows import Row, at_most
from benchmarks.attacks.victim import Stage, Victim
from models.roles import Role

FIELDS = " ".join(f"f{n}: reason g{n}: statusLabel" for n in range(22))
LONG = f"{{ tasks(first: 500) {{ nodes {{ {FIELDS} }} }} }}"
"""Some hundred kilobytes of answer."""

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
PATIENCE = 60.0
PINGS = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 2_000


async def run(stage: Stage) -> list[Row]:
    clients = 4 if stage.quick else 20
    async with stage.serving() as victim:
        before = victim.memory()
        victim.forget_peak()
        files = victim.open_files()
        async with AsyncExitStack() as lines:
            await _ping(await lines.enter_async_context(line(victim.port)))
            pongs = victim.peak() - before
            victim.forget_peak()
            for number in range(clients):
                attacker = await lines.enter_async_context(line(victim.port))
                await (_pipeline if number % 2 else _ask_on_a_socket)(victim, attacker)
            await (asyncio.sleep(2) if stage.quick else _closed(victim, files))
            more, left = victim.peak() - before, victim.open_files() - files
    rows = [
        at_most("unread pongs: more memory", pongs, 16, "MB"),
        at_most("unread answers: more memory", more, 64, "MB"),
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


async def _pipeline(victim: Victim, attacker: Line) -> None:
    """Ask twenty times at once."""
    _stop_reading(attacker)
    body = json.dumps({"query": LONG}).encode()
    key = victim.attacker.keys[Role.SUPERVISOR].encode()
    attacker[1].write(
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (key, len(body), body) * 20
    )


async def _ask_on_a_socket(victim: Victim, attacker: Line) -> None:
    await _open_socket(attacker)
    key = victim.attacker.keys[Role.SUPERVISOR]
    begin = {"type": "connection_init", "payload": {"authorization": key}}
    asked = [{"id": str(n), "type": "subscribe", "payload": {"query": LONG}} for n in range(20)]
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

"""Headers without end, from somebody without a key: in one line, in many, and in other places."""

import asyncio
from itertools import repeat

from benchmarks.attacks.lines import line, pour
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage, Victim

PIECE = b"a" * 65_536
LINES = b"x: y\r\n" * 10_000
BEGIN = b"%s /graphql HTTP/1.1\r\nHost: localhost\r\n"

WAYS = {
    "one header without end": (BEGIN % b"GET" + b"X-Long: ", PIECE),
    "header lines without end": (BEGIN % b"GET", LINES),
    "an address without end": (b"GET /", PIECE),
    "a handshake's headers without end": (
        BEGIN % b"GET" + b"Connection: Upgrade\r\nUpgrade: websocket\r\nX-Long: ",
        PIECE,
    ),
    "trailers without end": (
        BEGIN % b"POST" + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Long: ",
        PIECE,
    ),
    "an extension of a chunk without end": (
        BEGIN % b"POST" + b"Transfer-Encoding: chunked\r\n\r\n1;x=",
        PIECE,
    ),
}
TAKEN = {431, 401}
"""A POST is told at once that it has no key. What comes after that is not kept either."""


async def run(stage: Stage) -> list[Row]:
    clients, pieces = 2, 60 if stage.quick else 400
    rows = []
    async with stage.serving() as victim:
        for begin, piece in WAYS.values():  # the first ones load code
            await _pour(victim, clients, 4, begin, piece)
        before = victim.memory()
        victim.forget_peak()
        for name, (begin, piece) in WAYS.items():
            statuses = await _pour(victim, clients, pieces, begin, piece)
            wanted = {431} if b"POST" not in begin else TAKEN
            held = bool(statuses) and statuses <= wanted
            rows.append(Row(name, _shown(statuses), _shown(wanted), held))
        rows.append(at_most("headers: more memory", victim.peak() - before, 1, "MB"))
        rows.append(expected("100 header lines", await _lines(victim, 100), 200))
        rows.append(expected("101 header lines", await _lines(victim, 101), 431))
    return rows


def _shown(statuses: set[int]) -> str:
    return " or ".join(map(str, sorted(statuses, reverse=True)))


async def _pour(victim: Victim, clients: int, pieces: int, begin: bytes, piece: bytes) -> set[int]:
    """What so many clients are answered that pour pieces in until they are stopped. 0 is for one
    that was not stopped."""

    async def one() -> int:
        async with line(victim.port) as attacker:
            return await pour(attacker, [begin, *repeat(piece, pieces)])

    return set(await asyncio.gather(*(one() for _ in range(clients))))


async def _lines(victim: Victim, lines: int) -> int:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * (lines - 1) + b"\r\n"
    async with line(victim.port) as client:
        return await pour(client, [request])

"""An honest client beside an attack, in a process of its own: how long is it kept waiting?

It asks for /healthz, over a new connection each time as load balancers do, and for a page of tasks
with a key, over a connection that it keeps. Run as a program it ends when its input ends, and
prints what it measured.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

PAGE = "{ tasks(first: 20) { nodes { id status reason patient { name } } } }"
PAUSE = 0.02
GIVE_UP = 60.0


@dataclass
class Waits:
    """Seconds that each answer took, and how many requests failed. Filled when the block ends."""

    healthz: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    failed: int = 0


def p99(seconds: list[float]) -> float:
    """Of the answers, 99 in 100 came within so many milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))] * 1000


@asynccontextmanager
async def asking(url: str, key: str) -> AsyncIterator[Waits]:
    """Have an honest client ask for as long as the block lasts."""
    waits = Waits()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.attacks.honest", url, key),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.readline(), GIVE_UP)  # it has had its first answers
        yield waits
        output, _ = await asyncio.wait_for(process.communicate(b""), GIVE_UP + 10)
        waits.__dict__.update(json.loads(output))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _measure(url: str, key: str) -> Waits:
    waits = Waits()
    headers = {"Authorization": f"Bearer {key}"}
    kept = httpx.AsyncClient(base_url=url, headers=headers, timeout=GIVE_UP)

    async def healthz() -> None:
        # `verify` would read all authorities of the web first, which takes 20 ms.
        async with httpx.AsyncClient(base_url=url, timeout=GIVE_UP, verify=False) as once:
            (await once.get("/healthz")).raise_for_status()

    async def page() -> None:
        answer = await kept.post("/graphql", json={"query": PAGE})
        answer.raise_for_status()
        if "errors" in answer.json():
            raise httpx.HTTPError(answer.text)

    async with kept:
        await healthz()
        await page()
        print("begun", flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await asyncio.gather(
            _ask_until(ended, healthz, waits.healthz, waits),
            _ask_until(ended, page, waits.page, waits),
        )
    return waits


async def _ask_until(
    ended: asyncio.Event, ask: Callable[[], Awaitable[None]], into: list[float], waits: Waits
) -> None:
    while not ended.is_set():
        begun = time.perf_counter()
        try:
            await ask()
        except httpx.HTTPError:
            waits.failed += 1
        into.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(*sys.argv[1:])).__dict__))

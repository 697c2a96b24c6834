"""The benchmarks' end of the load process: many watching sockets, each of which must get all."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

SELECTION = "seq cursor kind at fromStatus toStatus"
TASK = "id status statusLabel followUp version contactCount"
STREAM = f"subscription {{ taskStatusChanged {{ {SELECTION} task {{ {TASK} }} }} }}"
"""What every dashboard of the benchmarks watches, on every server."""

PATIENCE = 120.0
ATTEMPTS = 20


class Lost(Exception):
    """The figure is worth nothing: not every socket got every message once."""


class Crowd:
    """Sockets that watch, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def connect(
        self,
        url: str,
        keys: list[tuple[str, int]],
        change: Callable[[], Awaitable[None]],
        time_key: str | None = None,
    ) -> float:
        """Connect so many sockets with each key, and call `change`, which must make a change for
        each of them, until it has reached every one. Returns the seconds that took in all."""
        groups = [{"key": key, "sockets": sockets} for key, sockets in keys]
        order = {"url": f"{url}/graphql", "query": STREAM, "groups": groups, "time_key": time_key}
        begun = (await self._order("connect", **order))["begun"]
        for _ in range(ATTEMPTS):
            await change()
            answer = await self._order("wake", within=1.0)
            if not answer["silent"]:
                return float(answer["woke"] - begun)
        raise Lost(f"{answer['silent']} sockets hear of no change")

    async def receive(self, messages: int) -> dict[str, Any]:
        """Wait until every socket has so many more. Returns what `Load.receive` answers."""
        answer = await self._order("receive", expect=messages, within=PATIENCE)
        if answer["missing"] or answer["beyond"]:
            raise Lost(f"{answer['missing']} missing, {answer['beyond']} too many")
        return answer

    async def _order(self, do: str, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE + 10)
        if not line:
            raise Lost("the load has ended")
        answer: dict[str, Any] = json.loads(line)
        if answer["trouble"]:
            raise Lost("; ".join(answer["trouble"]))
        return answer


@asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    """A load process for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crowd(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def allow_many_files() -> None:
    """Each socket is a file; the processes that are started from here inherit the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

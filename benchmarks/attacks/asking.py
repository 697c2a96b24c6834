"""Requests of an attacker: so many clients of one key, each as fast as it is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from benchmarks.attacks.honest import GIVE_UP


async def flood(
    url: str, key: str, body: Callable[[int], dict[str, Any]], clients: int, seconds: float
) -> Counter[int]:
    """Send bodies, each made from its number, for so many seconds; return the answers' statuses."""
    until = time.monotonic() + seconds
    statuses: Counter[int] = Counter()
    numbers = iter(range(10**9))

    async def client() -> None:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=GIVE_UP) as http:
            while time.monotonic() < until:
                answer = await http.post("/graphql", json=body(next(numbers)))
                statuses[answer.status_code] += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return statuses

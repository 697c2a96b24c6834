"""Keys are guessed, as fast as answers come."""

import time
from collections import Counter

import httpx

from benchmarks.attacks.honest import asking
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage
from benchmarks.attacks.waiting import waiting
from models.roles import Role


async def run(stage: Stage) -> list[Row]:
    seconds = 2.0 if stage.quick else 10.0
    statuses: Counter[int] = Counter()
    async with (
        stage.serving() as victim,
        asking(victim.url, victim.other.keys[Role.STAFF]) as waits,
        httpx.AsyncClient(base_url=victim.url) as http,
    ):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            headers = {"authorization": f"Bearer cb_1_guess{statuses.total()}"}
            body = {"query": "{ viewer { name } }"}
            answer = await http.post("/graphql", json=body, headers=headers)
            statuses[answer.status_code] += 1
    return [
        at_most("guessed keys that were looked up", statuses[401], 10 + seconds, ""),
        expected("guessed keys that were refused unread", statuses[429] > 0, True),
        expected("guessing: another client of the same address, failures", waits.failed, 0),
        *waiting(stage, "guessing", waits),
    ]

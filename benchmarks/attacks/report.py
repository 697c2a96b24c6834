"""A year of activity, fifty times in a request, and by clients that go away."""

import asyncio
import time
from contextlib import suppress
from datetime import date, timedelta

import httpx

from benchmarks.attacks.honest import GIVE_UP, asking
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage
from benchmarks.attacks.waiting import waiting
from models.roles import Role

TODAY = date.today()
YEAR = f'activity(from: "{TODAY - timedelta(days=364)}", to: "{TODAY}", bucket: DAY)'
FIGURES = "{ buckets { figures { tasksOpened contacts { total } } } total { tasksOpened } }"
FIFTY = "{ " + " ".join(f"a{n}: {YEAR} {FIGURES}" for n in range(50)) + " }"
ONE = f"{{ {YEAR} {FIGURES} }}"


async def run(stage: Stage) -> list[Row]:
    async with stage.serving() as victim:
        headers = {"authorization": f"Bearer {victim.attacker.keys[Role.SUPERVISOR]}"}
        async with (
            asking(victim.url, victim.other.keys[Role.STAFF]) as waits,
            httpx.AsyncClient(base_url=victim.url, headers=headers, timeout=GIVE_UP) as http,
        ):
            fifty = (await http.post("/graphql", json={"query": FIFTY})).json()
            for _ in range(3 if stage.quick else 30):
                with suppress(httpx.TimeoutException):
                    await http.post("/graphql", json={"query": ONE}, timeout=0.005)
            begun = time.perf_counter()
            answers = await asyncio.gather(
                *(http.post("/graphql", json={"query": ONE}) for _ in range(4))
            )
            seconds = time.perf_counter() - begun
    code = fifty["errors"][0]["extensions"]["code"] if "errors" in fifty else None
    return [
        expected("activity fifty times in a request", code, "TOO_COMPLEX"),
        expected("activity of a year", {a.status_code for a in answers}, {200}),
        at_most("activity of a year, after clients that went away", seconds, 10, "s"),
        *waiting(stage, "activity of a year", waits),
    ]

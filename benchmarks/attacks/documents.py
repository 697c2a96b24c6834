"""Documents that fill memory: long ones, and thin ones of which each word takes much."""

from typing import Any

from benchmarks.attacks.asking import flood
from benchmarks.attacks.honest import asking
from benchmarks.attacks.rows import Row, at_most, expected
from benchmarks.attacks.victim import Stage
from benchmarks.attacks.waiting import waiting
from models.roles import Role

LONG = 740_000
MOST = 128
"""MB: what is kept, which is 32 at most, and what Python's allocator does not give back at once."""


def long(number: int) -> dict[str, Any]:
    return {"query": f"{{ viewer {{ name }} }} # {number} ".ljust(LONG, "#")}


def thin(number: int) -> dict[str, Any]:
    return {"query": f"{{ viewer {{ {'id ' * 1_900} }} }} # {number}"}


async def run(stage: Stage) -> list[Row]:
    rows = []
    seconds = 1 if stage.quick else 20
    for name, body in (("long", long), ("thin", thin)):
        async with stage.serving() as victim:
            key, other = (p.keys[Role.STAFF] for p in (victim.attacker, victim.other))
            await flood(victim.url, key, body, 2, 0.2)
            before = victim.memory()
            async with asking(victim.url, other) as waits:
                statuses = await flood(victim.url, key, body, 2, seconds)
            rows += [
                expected(f"{name} documents: were they answered?", statuses[200] > 0, True),
                at_most(f"{name} documents: memory", victim.memory() - before, MOST, "MB"),
                *waiting(stage, f"{name} documents", waits),
            ]
    return rows

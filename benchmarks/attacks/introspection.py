"""Introspection by four clients of a partner's key: the same document, and another each time."""

from typing import Any

from graphql import get_introspection_query

from benchmarks.attacks.asking import flood
from benchmarks.attacks.honest import asking
from benchmarks.attacks.rows import Row, expected
from benchmarks.attacks.victim import Stage
from benchmarks.attacks.waiting import waiting
from models.roles import Role

CLIENTS = 4
QUERY = get_introspection_query()


def same(_: int) -> dict[str, Any]:
    return {"query": QUERY}


def other(number: int) -> dict[str, Any]:
    return {"query": f"{QUERY}# {number}"}


async def run(stage: Stage) -> list[Row]:
    rows = []
    for name, body in (("the same", same), ("another each time", other)):
        async with stage.serving() as victim:
            key, honest = victim.attacker.keys[Role.PARTNER], victim.other.keys[Role.STAFF]
            async with asking(victim.url, honest) as waits:
                statuses = await flood(victim.url, key, body, CLIENTS, 1 if stage.quick else 10)
        rows += [
            expected(f"introspection, {name}: was it answered?", statuses[200] > 0, True),
            *waiting(stage, f"introspection, {name}", waits),
        ]
    return rows

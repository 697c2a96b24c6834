"""The dearest documents within the limits, sent by six clients of one key."""

from benchmarks.attacks.asking import flood
from benchmarks.attacks.honest import asking
from benchmarks.attacks.rows import Row, expected
from benchmarks.attacks.victim import Stage
from benchmarks.attacks.waiting import waiting
from gql_app.execution.cost import MAX_LEAVES
from models.roles import Role

CLIENTS = 6
FIELDS = """id status statusLabel origin reason followUp expiresAt version createdAt isOpen
    contactCount queue { id name } patient { id name phone }"""
LEAVES_A_TASK = 16
PAGE = MAX_LEAVES // LEAVES_A_TASK // 45

DOCUMENTS = {
    "45 aliases of tasks": "{ "
    + " ".join(f"a{n}: tasks(first: {PAGE}) {{ nodes {{ {FIELDS} }} }}" for n in range(45))
    + " }",
    "pages within a page": "{ tasks(first: 500) { nodes { id"
    " contacts(first: 40) { nodes { id outcome } } } } }",
    "patients' tasks": "{ tasks(first: 150) { nodes { patient { tasks(first: 20) { nodes { "
    + FIELDS
    + " } } } } } }",
}


async def run(stage: Stage) -> list[Row]:
    rows = []
    for name, document in DOCUMENTS.items():
        async with stage.serving() as victim:
            key, other = (p.keys[Role.STAFF] for p in (victim.attacker, victim.other))
            async with asking(victim.url, other) as waits:
                statuses = await flood(
                    victim.url,
                    key,
                    lambda _, document=document: {"query": document},  # type: ignore[misc]
                    CLIENTS,
                    1 if stage.quick else 15,
                )
        rows += [
            expected(f"dearest, {name}: was it let in?", statuses[200] > 0, True),
            *waiting(stage, f"dearest, {name}", waits),
            expected(f"dearest, {name}: the other key's failures", waits.failed, 0),
        ]
    return rows

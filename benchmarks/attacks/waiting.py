"""How long an attack kept others waiting."""

from benchmarks.attacks.honest import Waits, p99
from benchmarks.attacks.rows import Row, at_most
from benchmarks.attacks.victim import Stage


def waiting(stage: Stage, attack: str, waits: Waits) -> list[Row]:
    """The rows of an honest client's times. The short form has none: it runs beside other tests,
    which keep everybody waiting."""
    if stage.quick:
        return []
    return [
        at_most(f"{attack}: another key's page, p99", p99(waits.page), 100, "ms"),
        at_most(f"{attack}: /healthz, p99", p99(waits.healthz), 50, "ms"),
    ]

"""All attacks, by the names that `--only` takes."""

from collections.abc import Awaitable, Callable

from benchmarks.attacks import (
    dearest,
    documents,
    frames,
    guessing,
    headers,
    introspection,
    loops,
    report,
    silent,
    unread,
)
from benchmarks.attacks.rows import Row
from benchmarks.attacks.victim import Stage

Attack = Callable[[Stage], Awaitable[list[Row]]]

ATTACKS: dict[str, Attack] = {
    "dearest": dearest.run,
    "documents": documents.run,
    "introspection": introspection.run,
    "report": report.run,
    "loops": loops.run,
    "guessing": guessing.run,
    "frames": frames.run,
    "headers": headers.run,
    "silent": silent.run,
    "unread": unread.run,
}

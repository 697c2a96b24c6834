"""All attacks, by the names that `--only` takes."""

from collections.abc import Awaitable, Callable

from benchmarks.attacks import frames, headers, silent, unread
from benchmarks.attacks.rows import Row
from benchmarks.attacks.victim import Stage

Attack = Callable[[Stage], Awaitable[list[Row]]]

ATTACKS: dict[str, Attack] = {
    "frames": frames.run,
    "headers": headers.run,
    "silent": silent.run,
    "unread": unread.run,
}

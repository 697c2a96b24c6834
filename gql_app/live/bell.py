"""How rings are written on the bus: as `practice:seq` pairs with spaces between them."""

import re
from collections.abc import Iterator, Mapping

MAX_RINGS = 200
"""Most rings in one message. A ring has at most 39 characters and a space after it, which makes
7,999 bytes without the last space: the most that PostgreSQL's NOTIFY takes."""

_MESSAGE = re.compile(r"[0-9]{1,19}:[0-9]{1,19}(?: [0-9]{1,19}:[0-9]{1,19})*")


def packed(rings: Mapping[int, int]) -> Iterator[str]:
    """The messages that say up to which `seq` each practice has events."""
    pairs = [f"{practice_id}:{seq}" for practice_id, seq in rings.items()]
    for start in range(0, len(pairs), MAX_RINGS):
        yield " ".join(pairs[start : start + MAX_RINGS])


def unpacked(message: str) -> list[tuple[int, int]] | None:
    """The pairs of practice and seq in a message, None if it is not one of ours."""
    if not _MESSAGE.fullmatch(message):
        return None
    pairs = (ring.partition(":") for ring in message.split(" "))
    return [(int(practice_id), int(seq)) for practice_id, _, seq in pairs]


def count(message: str) -> int:
    """How many rings a message of ours carries."""
    return message.count(":")

"""The secret of the database that this process has open: 32 random bytes, which its migrations have
made. Global ids and cursors are written by it, the same in every process and every copy of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from models.database.rows import fetch


class _Secret(NamedTuple):
    value: bytes


_known: bytes | None = None
_told: list[Callable[[bytes | None], None]] = []


def tell_of_secret(act: Callable[[bytes | None], None]) -> None:
    """Have `act` called with the secret, now and whenever another one is used."""
    _told.append(act)
    act(_known)


def secret() -> bytes | None:
    """The secret, None if it has not been read."""
    return _known


def use_secret(value: bytes | None) -> None:
    """Take this for the secret of the open database."""
    global _known  # noqa: PLW0603 - as the connections are, it is the process's
    _known = value
    for act in _told:
        act(value)


async def read_secret() -> None:
    """Read the secret, if it was not read yet."""
    if _known is None:
        (found,) = await fetch(_Secret, "SELECT value FROM secret WHERE name = $1", "ids")
        use_secret(found.value)


@contextmanager
def no_secret() -> Iterator[None]:
    """Forget the secret of a database that was open before, for as long as another one is."""
    before = _known
    use_secret(None)
    try:
        yield
    finally:
        use_secret(before)

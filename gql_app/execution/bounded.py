"""A dictionary with a limit."""

from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(dict[Key, Value]):
    """Keeps `limit` entries. When it is full, `add` drops the oldest one."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def add(self, key: Key, value: Value) -> None:
        while len(self) >= self.limit:
            del self[next(iter(self))]
        self[key] = value

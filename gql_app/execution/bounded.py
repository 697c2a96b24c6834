"""A dictionary that cannot grow without end."""

from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(dict[Key, Value]):
    """Keeps `limit` entries: the oldest makes room."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def add(self, key: Key, value: Value) -> None:
        while len(self) >= self.limit:
            del self[next(iter(self))]
        self[key] = value

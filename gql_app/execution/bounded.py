"""A dictionary with a limit: of its entries, and of the bytes that they may take with others'."""

from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(dict[Key, Value]):
    """Keeps `limit` entries, whose weights are `room` bytes together at most. When it is full,
    `add` drops the oldest ones. What is heavier than the room by itself is not kept."""

    def __init__(self, limit: int, room: int | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.room = room
        self.weight = 0
        self._weights: dict[Key, int] = {}

    def add(self, key: Key, value: Value, weight: int = 0) -> None:
        """Keep `value`, which takes about `weight` bytes."""
        if self.room is not None:
            self._drop(key)
            if weight > self.room:
                return
            while self.weight + weight > self.room:
                self._drop(next(iter(self)))
            self._weights[key] = weight
            self.weight += weight
        while len(self) >= self.limit and key not in self:
            self._drop(next(iter(self)))
        self[key] = value

    def grow(self, key: Key, weight: int) -> None:
        """Note that what is kept under `key`, if anything is, takes more bytes now."""
        if self.room is None or key not in self:
            return
        self._weights[key] += weight
        self.weight += weight
        while self.weight > self.room:
            self._drop(next(iter(self)))

    def dropped(self, value: Value) -> None:
        """Called with what is not kept any more."""

    def _drop(self, key: Key) -> None:
        if key in self:
            value = self.pop(key)
            self.weight -= self._weights.pop(key, 0)
            self.dropped(value)

"""Things that several use at once: opened for the first, closed after the last."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from weakref import WeakValueDictionary


class Closable(Protocol):
    """A thing that can be held. The next who asks for one that `has_ended` gets another."""

    @property
    def has_ended(self) -> bool: ...

    async def close(self) -> None: ...


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Closable)


@dataclass(slots=True, eq=False)
class _Use(Generic[T]):
    thing: T
    holders: int = 0


class Held(Generic[K, T]):
    """The things that are held now, by their keys."""

    def __init__(self) -> None:
        self._uses: dict[K, _Use[T]] = {}
        self._opening: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._uses)

    @property
    def holders(self) -> int:
        """How many hold one of the things."""
        return sum(use.holders for use in self._uses.values())

    def get(self, key: K) -> T | None:
        """The thing that is held under the key."""
        use = self._uses.get(key)
        return None if use is None else use.thing

    def items(self) -> list[tuple[K, T]]:
        """All that is held, with its keys."""
        return [(key, use.thing) for key, use in self._uses.items()]

    def values(self) -> list[T]:
        """All that is held."""
        return [use.thing for use in self._uses.values()]

    @asynccontextmanager
    async def hold(self, key: K, open_it: Callable[[], Awaitable[T]]) -> AsyncGenerator[T, None]:
        """The thing under the key, for as long as the block lasts. The first who asks opens it;
        others who ask for the same wait meanwhile."""
        lock = self._opening.setdefault(key, asyncio.Lock())
        async with lock:
            use = self._uses.get(key)
            if use is None or use.thing.has_ended:
                use = self._uses[key] = _Use(await open_it())
            use.holders += 1
        try:
            yield use.thing
        finally:
            use.holders -= 1
            if not use.holders:
                if self._uses.get(key) is use:
                    del self._uses[key]
                await use.thing.close()

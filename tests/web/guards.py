"""A server whose connections a test can look at, and whose time it can move on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gql_app.web.connections import CLIENT_SECONDS, Connections
from gql_app.web.guarded import GuardedProtocol
from tests.serving import PATIENCE, Server, serving

LATER = CLIENT_SECONDS + 1


class Guards:
    """The connections of a server, which looks at them only when the test says so."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    @property
    def http(self) -> list[GuardedProtocol]:
        """Those on which the server waits for a request, the oldest first."""
        return [each.transport.get_protocol() for each in self.connections._waits]  # type: ignore[misc]

    async def got(self, size: int) -> None:
        """Wait until the server has got so many bytes of a request that has not come whole."""
        await until(lambda: any(http._sent == size for http in self.http))

    def later(self) -> None:
        """Have the server look at its connections as if ten more seconds had passed."""
        self.connections._look(time.monotonic() + LATER)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def guarded(
    monkeypatch: pytest.MonkeyPatch, database_url: str, **settings: Any
) -> AsyncIterator[tuple[Server, Guards]]:
    """A server, and its guards. There are no trusted proxies unless the settings name some."""
    made: list[Connections] = []

    def make(*values: Any) -> Connections:
        made.append(Connections(*values))
        return made[-1]

    monkeypatch.setattr("gql_app.app.Connections", make)
    monkeypatch.setattr("gql_app.web.connections.LOOK_SECONDS", 3600)
    settings = {"trusted_proxies": ()} | settings
    async with serving(database_url, **settings) as server:
        yield server, Guards(made[0])

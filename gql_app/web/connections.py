"""All connections of a process: how many there may be, and how long a client may keep one waiting.

A connection is proven once a request on it, or its `connection_init`, has been authenticated. For
those that are not there is room for so many an address and so many in all. When there is no more
room, the oldest that waits for its client is closed: silent connections pile up at the old end, and
whoever has a key shows it within milliseconds.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from itertools import takewhile
from typing import Any, Protocol, cast

from gql_app.web.addresses import network
from gql_app.web.unread import Unread

if sys.platform != "win32":
    import resource

CONNECTIONS = "callboard.connections"
"""Where the lifespan's state has the `Connections`, for uvicorn's protocols."""

PROVE = "callboard.prove"
"""In the scope's extensions: a function to call once a request is authenticated."""

CLIENT_SECONDS = 9.0
"""How long a connection waits for a whole request."""
LOOK_SECONDS = 0.5

MOST_UNPROVEN = 10_000
MOST_UNPROVEN_AN_ADDRESS = 500
"""A practice's dashboards share an address, and all come back at once when a server restarts."""

RESERVE = 128
"""Open files that connections leave to the database, the bus and everything else."""
MOST_FILES = 65_536


class Guarded(Protocol):
    """The protocol of a connection. `was_slow` is called when its client has taken too long."""

    def was_slow(self) -> None: ...


class Connection:
    """One client's connection. It is `busy` while the server, not the client, is to do something.

    It knows no protocol, only the transport, which forgets its protocol at the end: no circle is
    left to the collector, which runs seldom."""

    __slots__ = ("busy", "network", "proven", "transport")

    def __init__(self, transport: asyncio.Transport, network: str | None) -> None:
        self.transport = transport
        self.network = network
        self.busy = False
        self.proven = False


class Connections:
    """The connections of this process: at most `room`. `closed` counts those that were cut off, by
    reason. The proxies' own addresses have no cap: everybody may come through them."""

    def __init__(self, room: int, trusted_proxies: Sequence[str] = ()) -> None:
        self.closed: Counter[str] = Counter()
        self._most_an_address = max(1, min(MOST_UNPROVEN_AN_ADDRESS, room // 4))
        self._room = room
        self._proxies = [ip_network(proxy) for proxy in trusted_proxies]
        self._open: dict[asyncio.Transport, Connection] = {}
        self._unproven: dict[Connection, None] = {}
        self._by_network: dict[str, dict[Connection, None]] = {}
        self._waits: dict[Connection, float] = {}
        self._unread = Unread(lambda transport: self.cut_off(self._open[transport], "unread"))

    @property
    def proven(self) -> int:
        return len(self._open) - len(self._unproven)

    @property
    def unproven(self) -> int:
        return len(self._unproven)

    def admit(self, transport: asyncio.Transport, address: str) -> Connection:
        """Count a new connection in, and wait for its client. Another one may be closed for it."""
        connection = Connection(transport, self._network(address))
        self._open[transport] = connection
        self._unproven[connection] = None
        self.wait(connection)
        if connection.network is not None:
            same = self._by_network.setdefault(connection.network, {})
            same[connection] = None
            if len(same) > self._most_an_address:
                self._close_oldest(same)
        if len(self._open) > self._room or len(self._unproven) > MOST_UNPROVEN:
            self._close_oldest(self._unproven)
        return connection

    def of(self, transport: asyncio.Transport) -> Connection:
        """The connection that was admitted with a transport."""
        return self._open[transport]

    def prove(self, connection: Connection) -> None:
        """Its client has shown who it is."""
        if not connection.proven:
            connection.proven = True
            self._forget_unproven(connection)

    def wait(self, connection: Connection) -> None:
        """Wait for the client, from now on if that had not begun."""
        if connection.transport in self._open:
            self._waits.setdefault(connection, time.monotonic() + CLIENT_SECONDS)

    def heard(self, connection: Connection) -> None:
        """The client has sent all that it had to."""
        self._waits.pop(connection, None)

    def unread(self, connection: Connection) -> None:
        """The client has left something unread."""
        if connection.transport in self._open:
            self._unread.add(connection.transport)

    def read(self, connection: Connection) -> None:
        """The client reads again."""
        self._unread.remove(connection.transport)

    @contextmanager
    def held_back(self, connection: Connection, size: int) -> Iterator[None]:
        """Count bytes that wait in this block for the client to read."""
        if connection.transport in self._open:
            self._unread.hold(connection.transport, size)
        try:
            yield
        finally:
            self._unread.release(connection.transport, size)

    def cut_off(self, connection: Connection, reason: str) -> None:
        """Close a connection at once, whatever its client has not read."""
        self.closed[reason] += 1
        self.lost(connection)
        connection.transport.abort()

    def lost(self, connection: Connection) -> None:
        """The connection has ended."""
        self._open.pop(connection.transport, None)
        self._forget_unproven(connection)
        self.heard(connection)
        self._unread.forget(connection.transport)

    async def keep_looking(self) -> None:
        """Close what waits for its client for too long, or is left unread."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        # They are in the order in which they are due.
        for connection in [*takewhile(lambda each: self._waits[each] <= now, self._waits)]:
            self.heard(connection)
            cast("Guarded", connection.transport.get_protocol()).was_slow()
        self._unread.look(now)

    def _network(self, address: str) -> str | None:
        """What an address counts as, None for one without a cap."""
        try:
            parsed = ip_address(address)
        except ValueError:  # a local socket
            return None
        if any(parsed in proxy for proxy in self._proxies):
            return None
        return network(address)

    def _close_oldest(self, among: Iterable[Connection]) -> None:
        oldest = next((each for each in among if not each.busy), None)
        if oldest is not None:
            self.cut_off(oldest, "full")

    def _forget_unproven(self, connection: Connection) -> None:
        self._unproven.pop(connection, None)
        if connection.network is None:
            return
        same = self._by_network.get(connection.network, {})
        same.pop(connection, None)
        if not same:
            self._by_network.pop(connection.network, None)


def room_for_connections() -> int:
    """How many connections a process may have: by the open files that the system allows it. Many
    systems allow more than they give at first, so that old programs do not fail."""
    if sys.platform == "win32":
        return MOST_FILES - RESERVE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    else:
        wanted = soft if soft != resource.RLIM_INFINITY else MOST_FILES
    return max(1, wanted - RESERVE)


def prove(scope: MutableMapping[str, Any]) -> None:
    """Say that a request or a socket has been authenticated. Its connection is then no guest's."""
    say = scope.get("extensions", {}).get(PROVE)
    if say is not None:
        say()

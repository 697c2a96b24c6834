"""The private attributes of asyncpg that Callboard reads. No other module reads them.

asyncpg has no public names for these. tests/models/database/test_private.py fails if an upgrade
moves one.
"""

from typing import Any


def is_lost(connection: Any) -> bool:
    """Whether a connection that was taken from a pool has left the pool already."""
    return connection._con is None


def has_open_connection(pool: Any) -> bool:
    """Whether a connection is free and open, so that taking it waits for nothing."""
    free = pool._queue._queue  # the pool takes the last one first
    return bool(free) and free[-1].is_connected()


def connections_of(pool: Any) -> list[Any]:
    """The connections of a pool that are open, whether somebody uses them or not."""
    return [holder._con for holder in pool._holders if holder._con is not None]


def terminate_idle(pool: Any) -> None:
    """Close the connections of a pool that nobody uses, without waiting for the server."""
    for holder in pool._holders:
        if holder.is_idle():
            holder.terminate()


def socket_of(connection: Any) -> Any:
    """The socket under a connection, None if it has none."""
    return connection._transport.get_extra_info("socket")

"""The private attributes of Tortoise that Callboard reads. No other module reads them.

The clients in postgres.py and sqlite.py also override some private methods of Tortoise's.
tests/models/database/test_private.py names them all, and fails if an upgrade moves one.
"""

from typing import Any


def client_of(transaction: Any) -> Any:
    """The client that began a transaction."""
    return transaction._parent


def connection_of(transaction: Any) -> Any:
    """The driver's connection that a transaction is on."""
    return transaction._connection

"""The private attributes of aiosqlite that Callboard reads. No other module reads them.

tests/models/database/test_private.py fails if an upgrade moves one.
"""

import sqlite3
from threading import Thread

import aiosqlite


def raw_connection(connection: aiosqlite.Connection) -> sqlite3.Connection:
    """The connection of the standard library under an open one of aiosqlite's."""
    return connection._conn


def thread_of(connection: aiosqlite.Connection) -> Thread:
    """The thread that carries out the statements of a connection."""
    return connection._thread

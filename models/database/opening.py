"""Connect to the database, or say in one line without a password why that fails."""

import asyncio
import os
import sqlite3
import ssl
from pathlib import Path

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException, ConfigurationError, DBConnectionError

from models.database import postgres, sqlite, sqlite_modes
from models.database.aiosqlite_private import raw_connection
from models.database.sqlite_files import DatabaseLost
from models.limits import Busy

LOOK_SECONDS = 2.0
"""How long a file is checked for damage: enough for about 800 MB."""


class CannotOpen(Exception):
    """The database cannot be used; the message says why, and what to do."""


DATABASE_ERRORS = (
    BaseORMException,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    ConnectionError,
)
"""What any statement may raise, whatever it says."""


LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)
"""What is raised if the connection to the server is lost."""

BAD_PARAMETER = (TypeError, ValueError, ConfigurationError)
"""What Tortoise and asyncpg raise for a URL that they cannot use."""

BAD_URL = "CALLBOARD_DATABASE_URL has a part that is unknown, or has a wrong value"


def unwrapped(error: BaseException) -> BaseException:
    """Return the driver's error if Tortoise has wrapped it, otherwise `error` itself."""
    return error.args[0] if error.args and isinstance(error.args[0], Exception) else error


def failure(error: BaseException) -> str:
    """Say what went wrong without the error's own text, which may hold a patient's data."""
    cause = unwrapped(error)
    if isinstance(cause, DatabaseLost):
        return str(cause)
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        if name == "SQLITE_BUSY":
            return "another process holds its lock"
        return name or type(cause).__name__
    if isinstance(cause, asyncpg.InsufficientPrivilegeError):
        return "its role may not do that; the tables' owner may"
    if isinstance(cause, LOST):
        return f"its connection was lost ({type(cause).__name__})"
    return type(cause).__name__


async def connect(client: BaseDBAsyncClient, *, may_be_new: bool) -> None:
    """Connect to the database. A missing file is created only with `may_be_new`; otherwise its path
    is taken for a mistake. Raises `CannotOpen`."""
    try:
        if isinstance(client, sqlite.Client):
            if client.filename != sqlite.MEMORY:
                path = Path(client.filename)
                sqlite_modes.create(path) if may_be_new else _refuse_if_missing(path)
            await client.open()
        else:
            assert isinstance(client, postgres.Client)
            await client.acquire_connection().ensure_connection()
            if await _is_pooled(client) and "statement_cache_size" not in client.extra:
                await client.keep_no_statements()
    except sqlite3.Error as error:
        assert isinstance(client, sqlite.Client)
        raise CannotOpen(_why_no_file(Path(client.filename), error)) from error
    except (
        OSError,
        Busy,
        DBConnectionError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        *BAD_PARAMETER,
    ) as error:
        assert isinstance(client, postgres.Client)
        raise CannotOpen(_why_no_server(client, error)) from error


def _refuse_if_missing(path: Path) -> None:
    if path.absolute().parent.is_dir() and not path.exists():
        raise CannotOpen(
            f"there is no database {path}, so there are no tables yet: is CALLBOARD_DATABASE_URL"
            " right? A new one is made with: callboard migrate (or serve --migrate)"
        )


async def _is_pooled(client: postgres.Client) -> bool:
    """Whether a pooler such as PgBouncer stands before the server. Then the process that answers is
    not the one whose id the connection was given when it was opened."""
    assert client.pool is not None
    async with client.pool.acquire() as connection:
        try:
            answers = await connection.fetchval("SELECT pg_backend_pid()")
        except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
            return True
        return bool(answers != connection.get_server_pid())


async def look_through(client: sqlite.Client) -> None:
    """Check the file for damage, for at most `LOOK_SECONDS`; the rest of a larger file is not
    checked. Raises `CannotOpen`."""
    connection = client.opened
    stop = raw_connection(connection).interrupt
    timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, stop)
    try:
        ((found,),) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    except sqlite3.OperationalError:  # interrupted
        return
    except sqlite3.DatabaseError as error:
        raise CannotOpen(_why_no_file(Path(client.filename), error)) from error
    finally:
        timer.cancel()
    if found != "ok":
        raise CannotOpen(f"the database {client.filename} is damaged: restore a backup")


def _why_no_file(path: Path, error: sqlite3.Error) -> str:
    folder = path.absolute().parent
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if path.is_dir():
        why = "it is a folder"
    elif not folder.is_dir():
        why = f"there is no folder {folder}"
    elif code == sqlite3.SQLITE_NOTADB:
        why = "it is not an SQLite database"
    elif code == sqlite3.SQLITE_CORRUPT:
        why = "it is damaged"
    elif code == sqlite3.SQLITE_BUSY:
        why = "another process holds its lock"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        why = "it cannot be created or written to"
    else:
        why = str(error)
    return f"the database {path} cannot be opened: {why}"


def _why_no_server(client: postgres.Client, error: Exception) -> str:
    where = f"{client.host}:{client.port}" if client.host else "PostgreSQL"
    match error:
        case ssl.SSLError() | ConnectionError() if _why_no_tls(error):
            why = _why_no_tls(error)
        case asyncpg.InvalidAuthorizationSpecificationError():
            why = f"it does not accept the user {client.user!r} with this password"
        case DBConnectionError() | asyncpg.InvalidCatalogNameError():
            why = f"it has no database {client.database!r}"
        case asyncpg.CannotConnectNowError():
            why = "it is starting or stopping"
        case asyncpg.TooManyConnectionsError():
            why = "it has no connection left"
        case Busy():
            gave_up = isinstance(error.__cause__, TimeoutError)  # nobody else had a connection yet
            why = "it does not answer" if gave_up else error.reason
        case TypeError() | ValueError():
            why = BAD_URL
        case TimeoutError():
            why = "it does not answer"
        case OSError():
            number = error.errno or 0
            what = os.strerror(number) if number > 0 else error.strerror or type(error).__name__
            why = f"it cannot be reached ({what})"
        case _:
            why = f"it refuses ({type(error).__name__})"
    return f"the database server at {where} cannot be used: {why}"


def _why_no_tls(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS has failed ({error.reason})"
    is_declined = "rejected SSL upgrade" in str(error)  # asyncpg has no type for it
    return "it offers no TLS, and sslmode asks for it" if is_declined else ""

"""What PostgreSQL would write of rows into its own log, where no setting of ours reaches."""

from typing import NamedTuple

from models.database.rows import fetch
from models.database.sqlite import Client as SQLite
from models.database.transactions import connection

SAFE = {
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class _Setting(NamedTuple):
    name: str
    value: str


async def unsafe_log_settings() -> dict[str, str]:
    """The server's settings by which values of rows may come into its log, each with the value that
    it should have. Empty for SQLite, which has no log."""
    if isinstance(connection(), SQLite):
        return {}
    names = ", ".join(f"'{name}'" for name in SAFE)
    sql = f"SELECT name, setting FROM pg_settings WHERE name IN ({names}) ORDER BY name"
    found = await fetch(_Setting, sql)
    return {name: SAFE[name] for name, value in found if value != SAFE[name]}

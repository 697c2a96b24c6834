"""Check that the database can do what requests need. Nothing is changed, and no row is locked."""

from models.database import Number, fetch, has_row_locks, transaction, write

_TABLES = (
    "queue",
    "staff",
    "patient",
    "patient_merge",
    "task",
    "contact",
    "contact_undo",
    "task_event",
    "appointment",
    "appointment_closing",
    "access_key",
    "idempotency_key",
)

_COUNTS = " + ".join(f"(SELECT COUNT(*) FROM {t} WHERE practice_id = 0)" for t in _TABLES)

# No practice has the number 0. The statements lock the tables as every change does, and a server
# that only reads refuses them. The message makes the commit wait for the disk, like any other.
_WRITE = """
WITH a AS (UPDATE practice SET seq = seq WHERE id = 0),
     b AS (UPDATE patient SET name = name WHERE practice_id = 0 AND id = 0),
     c AS (UPDATE task SET version = version WHERE practice_id = 0 AND id = 0),
     d AS (INSERT INTO contact SELECT * FROM contact WHERE practice_id = 0 AND id = 0),
     e AS (INSERT INTO task_event SELECT * FROM task_event WHERE practice_id = 0 AND seq = 0),
     f AS (INSERT INTO idempotency_key SELECT * FROM idempotency_key WHERE practice_id = 0)
SELECT CAST(pg_logical_emit_message(true, 'callboard', 'ready') AS TEXT) AS at
"""


async def can_read() -> None:
    """Read from the tables that requests read. Raises the database's error if that fails."""
    await fetch(Number, f"SELECT {_COUNTS}")


async def can_write() -> None:
    """Commit a transaction that reaches the disk and leaves nothing behind. Raises the database's
    error if that fails."""
    async with transaction():
        if has_row_locks():
            await write(_WRITE)
        else:  # a number in the file's header that SQLite leaves to its users: set to what it is
            ((version,),) = await fetch(Number, "PRAGMA user_version")
            await write(f"PRAGMA user_version = {int(version)}")

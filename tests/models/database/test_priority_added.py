"""The column of the priority comes to tables that are in use."""

from datetime import UTC, datetime
from typing import Any

from models.database import write
from models.database.connections import _connected
from tests.models.database.test_migrating import KEYED, execute, migrate_to

BEFORE = (
    *KEYED[:4],
    "INSERT INTO task (practice_id, queue_id, patient_id, status, origin, reason, due_on, version,"
    " contact_count, created_at) VALUES"
    " (1, 1, 1, 'OPEN', 'MANUAL', 'Recall', '2026-01-01', 1, 0, {now}),"
    " (1, 1, 1, 'CLOSED', 'MANUAL', 'Recall', '2026-01-01', 1, 0, {now})",
)
SQLITE_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'task'"
POSTGRES_INDEXES = "SELECT indexname::text AS name FROM pg_indexes WHERE tablename = 'task'"
FILE = "SELECT pg_relation_filenode('task') AS file"
MEASURED = "SELECT COUNT(*) AS n FROM pg_stats WHERE tablename = 'task' AND attname = 'priority'"


async def test_tasks_of_an_older_version_are_normal_and_are_not_written_anew(
    empty_url: str,
) -> None:
    await migrate_to(empty_url, "0031_attempts")
    now = datetime.now(UTC).isoformat(" ")
    for statement in BEFORE:
        await execute(empty_url, statement.format(now=f"'{now}'"))
    is_sqlite = empty_url.startswith("sqlite")
    looks = (SQLITE_INDEXES,) if is_sqlite else (POSTGRES_INDEXES, FILE)

    async def look() -> list[Any]:
        async with _connected(empty_url):
            found = [[sorted(row.items()) for row in await write(sql)] for sql in looks]
        return [sorted(rows) for rows in found]

    before = await look()
    await migrate_to(empty_url, "0032_priority")

    assert await look() == before
    async with _connected(empty_url):
        rows = await write("SELECT priority FROM task")
        assert [row["priority"] for row in rows] == [2, 2]
        if not is_sqlite:  # else each priority would be taken for rare
            assert (await write(MEASURED))[0]["n"] == 1

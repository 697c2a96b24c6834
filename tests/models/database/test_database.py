"""Transactions give back what they took, whatever happens to the database."""

import asyncio
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from models.database import opened, transaction
from models.database.probe import can_read, can_write
from tests.office import Office, make_office

MORE_THAN_THE_POOL = 12


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_lost_connection_does_not_stay_taken_from_the_pool(database_url: str) -> None:
    async with opened(database_url):
        await make_office()
        outside = await asyncpg.connect(database_url)
        for _ in range(MORE_THAN_THE_POOL):
            await outside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            with suppress(Exception):  # asyncpg has many ways to say that a connection is gone
                async with transaction():
                    pass
        await outside.close()
        async with asyncio.timeout(5), transaction():
            pass


async def test_a_reader_that_is_cancelled_leaves_the_database_usable(office: Office) -> None:
    for turns in range(20):
        task = asyncio.create_task(_begin_and_end(office.practice.id))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    async with asyncio.timeout(5):
        await _begin_and_end(office.practice.id)
        await can_read()
        await can_write()


async def test_two_processes_may_write_to_one_file(sqlite_template: Path, tmp_path: Path) -> None:
    file = tmp_path / "callboard.sqlite3"
    shutil.copy(sqlite_template, file)
    async with opened(f"sqlite://{file}"):
        office = await make_office()
        task = await office.make_task()
        program = (
            "import asyncio, sys\n"
            "from models.database import opened, transaction\n"
            "async def main():\n"
            "    async with opened(sys.argv[1]):\n"
            "        for _ in range(100):\n"
            "            async with transaction() as connection:\n"
            "                await connection.execute_query('SELECT * FROM task')\n"
            "                await connection.execute_query('UPDATE task SET reason = reason')\n"
            "asyncio.run(main())\n"
        )
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, f"sqlite://{file}"
        )
        async with asyncio.timeout(60):
            while other.returncode is None:
                outcome = await office.log(task)
                assert not outcome.refusals
                await asyncio.sleep(0)
    assert other.returncode == 0


async def _begin_and_end(practice_id: int) -> None:
    async with transaction():
        pass

"""SQLite: long statements end when their time is up, or when nobody waits for them any more."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from models.database import fetch, opened, reading_apart, snapshot
from models.limits import Busy, Limits
from tests.serving import PATIENCE

LONG = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
    SELECT SUM(i) FROM n"""
"""Takes minutes."""

LIMITS = Limits(statement=1, report=1, wait=0.2)


class Number(NamedTuple):
    number: int


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "timed.sqlite3")
    return f"sqlite://{tmp_path}/timed.sqlite3"


async def report() -> list[Number]:
    async with snapshot(is_long=True):
        return await fetch(Number, LONG)


async def read_much() -> list[Number]:
    with reading_apart():
        return await fetch(Number, LONG)


@pytest.mark.parametrize("read", [report, read_much])
async def test_a_statement_ends_when_its_time_is_up(path: str, read: object) -> None:
    async with asyncio.timeout(PATIENCE), opened(path, LIMITS):
        with pytest.raises(Busy) as busy:
            await read()  # type: ignore[operator]
        assert busy.value.reason == "a statement took too long"
        async with snapshot(is_long=True):  # and the next one goes on
            assert await fetch(Number, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("read", [report, read_much])
async def test_a_statement_ends_with_its_task_and_holds_up_nobody(path: str, read: object) -> None:
    without_limit = Limits(statement=0, report=0)
    async with asyncio.timeout(PATIENCE), opened(path, without_limit):
        reading = asyncio.create_task(read())  # type: ignore[operator]
        for _ in range(3):
            assert await fetch(Number, "SELECT 2") == [(2,)]
            async with snapshot():
                assert await fetch(Number, "SELECT 3") == [(3,)]
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with snapshot(is_long=True):
            assert await fetch(Number, "SELECT 1") == [(1,)]
        with reading_apart():
            assert await fetch(Number, "SELECT 4") == [(4,)]


async def test_one_report_runs_at_a_time_and_the_next_is_told_so(path: str) -> None:
    async with asyncio.timeout(PATIENCE), opened(path, Limits(report=0, wait=0.2)):
        running = asyncio.create_task(report())
        await asyncio.sleep(0)
        with pytest.raises(Busy) as busy:
            await report()
        assert busy.value.reason == "another report runs"
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

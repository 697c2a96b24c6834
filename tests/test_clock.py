"""The clock that decides: the database's, or the machine's where that can be believed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from gql_app import clock as module
from gql_app.clock import Clock, Doubtful, machine_time
from models.database import database_time, opened
from models.limits import Busy
from tests.clocks import Machine, clock_off_by

DAY, HOUR, MINUTE, SECOND = (
    timedelta(**{unit: 1}) for unit in ("days", "hours", "minutes", "seconds")
)

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[None]:
    async with opened(database_url):
        yield


@pytest.fixture
def machine() -> Machine:
    return Machine()


class Database:
    """A database whose clock a test sets, as far away as it says."""

    def __init__(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off = timedelta()
        self.there = self.back = 0.001
        self._machine = machine
        monkeypatch.setattr(module, "database_time", self._time)

    async def _time(self) -> datetime:
        self._machine.seconds += self.there
        shown = self._machine.right_time + self.off
        self._machine.seconds += self.back
        return shown


async def has_jumped(clock: Clock) -> bool:
    await clock.look()
    try:
        clock.check()
    except Doubtful:
        return True
    return False


@postgres_only
@pytest.mark.parametrize("off", [31 * DAY, -HOUR, 11 * MINUTE])
async def test_with_postgres_it_is_the_databases_time_whatever_the_machine_shows(
    database: None, off: timedelta
) -> None:
    clock = await clock_off_by(off)
    right = await database_time()
    assert right is not None
    assert abs(clock() - right) < SECOND


@sqlite_only
async def test_with_sqlite_it_is_the_machines_time(database: None) -> None:
    assert abs((await clock_off_by(31 * DAY))() - machine_time() - 31 * DAY) < SECOND


async def test_it_is_read_without_the_database(database_url: str) -> None:
    async with opened(database_url):
        clock = await Clock.of_database()
    assert abs(clock() - machine_time()) < SECOND


async def test_nothing_is_decided_by_a_clock_that_was_not_set() -> None:
    with pytest.raises(Busy):
        Clock()()


@sqlite_only
@pytest.mark.parametrize("jump", [31 * DAY, -2 * HOUR])
async def test_a_machines_clock_that_jumps_is_not_followed(
    database: None, machine: Machine, jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    clock = machine.clock()
    await clock.set()
    machine.off = jump
    for _ in range(3):
        machine.seconds += 5
        assert await has_jumped(clock)
        assert clock() == machine.right_time
    assert caplog.text.count("the clock has jumped by") == 1
    machine.off = timedelta()
    machine.seconds += 5
    assert not await has_jumped(clock)
    assert clock() == machine.right_time
    assert "come back" in caplog.text


@sqlite_only
@pytest.mark.parametrize("off", [11 * MINUTE, -HOUR])
async def test_a_machines_clock_that_is_put_right_is_followed_without_a_step(
    database: None, machine: Machine, off: timedelta
) -> None:
    clock = machine.clock()
    await clock.set()
    machine.off, before = off, clock()
    for _ in range(10):
        machine.seconds += 5
        assert not await has_jumped(clock)
        assert 4.4 * SECOND <= clock() - before <= 5.6 * SECOND
        before = clock()
    machine.seconds += 11 * 3_600
    assert not await has_jumped(clock)
    assert clock() == machine.shows()


async def test_a_database_whose_clock_jumps_is_followed_but_not_believed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(machine, monkeypatch)
    clock = machine.clock()
    await clock.set()
    database.off = 31 * DAY
    for _ in range(3):
        assert await has_jumped(clock)
        assert abs(clock() - machine.right_time - 31 * DAY) < SECOND
    database.off = timedelta()
    assert not await has_jumped(clock)
    assert abs(clock() - machine.right_time) < SECOND


async def test_looks_that_take_long_change_nothing_that_short_ones_have_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(machine, monkeypatch)
    clock = machine.clock()
    await clock.set()
    for database.there, database.back in ((20, 0), (0, 20), (3, 3)):
        await clock.look()
        assert abs(clock() - machine.right_time) < 2 * SECOND / 1_000


async def test_a_first_look_that_took_long_is_mended_by_shorter_ones(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(machine, monkeypatch)
    database.there, clock = 2, machine.clock()
    await clock.look()
    assert abs(clock() - machine.right_time) > SECOND / 2
    database.there = 0.001
    await clock.look()
    assert abs(clock() - machine.right_time) < 2 * SECOND / 1_000

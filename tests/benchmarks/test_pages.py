"""pgbench carries out the statements of a log on the tables as they are now."""

import os

import pytest

from benchmarks.dataset import LIFE, OTHERS, Base, fill
from benchmarks.pages import found_pgbench, log_by_pgbench
from benchmarks.sides import NotToBeHad
from models.contact import Contact
from models.database import opened
from models.event import TaskEvent


@pytest.mark.skipif(
    "CALLBOARD_TEST_DATABASE_URL" in os.environ, reason="a server that is found by its socket only"
)
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_pgbench_writes_contacts_and_events(database_url: str) -> None:
    try:
        program = found_pgbench()
    except NotToBeHad as missing:
        pytest.skip(str(missing))
    base = Base(database_url, await fill(database_url, 2 * OTHERS * LIFE))
    async with opened(database_url):
        before = await Contact.all().count(), await TaskEvent.all().count()
        assert await log_by_pgbench(program, base, seconds=1) > 0
        after = await Contact.all().count(), await TaskEvent.all().count()
    contacts, events = (now - then for now, then in zip(after, before, strict=True))
    assert contacts == events > 0

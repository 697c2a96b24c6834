"""A server that is killed (-9) while an import runs: each row comes in once, after it too."""

import asyncio
import signal
import sys

from gql_app.work.imports.jobs import BATCH
from models.importing import ImportState
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.work.imports.test_jobs import HEAD, job_of, row, run, started

KILLED = """
import asyncio, os, signal, sys
from gql_app.clock import Clock
from gql_app.work.changes import Changes
from gql_app.work.imports.runner import ImportRunner
from models.database import opened

def die(practice_id, seq):  # it rings behind the commit of a step
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened(sys.argv[1]):
        clock = await Clock.of_database()
        await ImportRunner(Changes(die, clock), clock).run_some()

asyncio.run(main())
"""


async def test_an_import_goes_on_where_it_was(office: Office, database_url: str) -> None:
    rows = 2 * BATCH + 30
    job_id = await started(office, HEAD + "".join(map(row, range(rows))))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, database_url)
    assert await asyncio.wait_for(process.wait(), 3 * PATIENCE) == -signal.SIGKILL
    assert (await job_of(office, job_id)).created == BATCH
    assert await Task.filter(source="pms").count() == BATCH

    office.clock.advance(minutes=1)
    await run(office)
    job = await job_of(office, job_id)
    assert (job.state, job.created, job.unchanged) == (ImportState.DONE, rows, 0)
    ids = [task.external_id for task in await Task.filter(source="pms")]
    assert sorted(map(int, filter(None, ids))) == list(range(rows))

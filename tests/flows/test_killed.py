"""A process that is killed (-9) between commit and answer: what is sent again is answered."""

import asyncio
import json
import signal
import sys

from models.contact import Contact
from models.lifecycle import ContactOutcome
from tests.office import Office
from tests.serving import PATIENCE
from tests.work.records import events_of

KILLED = """
import asyncio, json, os, signal, sys
from datetime import date
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from models.database import opened
from models.lifecycle import Attempt, ContactOutcome

url, key, task_id, follow_up = json.loads(sys.argv[1])

def die(practice_id, seq):  # it rings behind the commit, before anybody is answered
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened(url):
        attempt = Attempt(ContactOutcome.NO_ANSWER, date.fromisoformat(follow_up), "once", False)
        viewer = await authenticate(key)
        changes = Changes(die, machine_time)
        await changes.make(viewer, log_contact, task_id, attempt, idempotency_key="k")

asyncio.run(main())
"""


async def test_what_was_committed_is_not_done_again(office: Office, database_url: str) -> None:
    task, follow_up = await office.make_task(), office.today
    given = json.dumps([database_url, office.keys["staff"], task.id, follow_up.isoformat()])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, given)
    assert await asyncio.wait_for(process.wait(), 3 * PATIENCE) == -signal.SIGKILL

    outcome = await office.log(
        task,
        ContactOutcome.NO_ANSWER,
        follow_up=follow_up,
        notes="once",
        idempotency_key="k",
    )

    (contact,) = await Contact.all()
    assert outcome.refusals == ()
    assert outcome.contact is not None
    assert outcome.contact.id == contact.id
    assert [event.seq for event in await events_of(office)] == [1, 2]

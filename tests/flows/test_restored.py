"""A database that was restored to an earlier state: whoever saw what is gone is told to start
afresh, and nobody else notices anything."""

import logging
from collections.abc import AsyncIterator

import pytest

from benchmarks.backups import Backup
from models.contact import Contact
from models.task import Task
from tests.flows.feed_client import FEED, next_message
from tests.flows.lost_history import (
    CHANGES,
    EVENTS,
    all_refuse,
    code,
    cursors,
    equals_what_is_there,
    resync_of,
    watching,
)
from tests.serving import Server, serving
from tests.web.streams import event_stream, log_over_http

KEPT, LOST, AFTERWARDS = 3, 5, 3
"""Events before the backup, those that are lost, and those that are made after the restore."""


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.app.POLL_SECONDS", 0.2)


@pytest.fixture
async def backup(database_url: str) -> AsyncIterator[Backup]:
    backup = Backup(database_url)
    yield backup
    await backup.drop()


async def goes_on(server: Server, after: str, expected: list[int]) -> None:
    """One whose cursor is from before what was lost gets all that is there now."""
    async with server.socket() as socket, event_stream(server, CHANGES, after=after) as stream:
        await socket.subscribe(CHANGES, after=after)
        for seq in expected:
            told = (await socket.next_data())["taskStatusChanged"]
            assert told == (await stream.result())["data"]["taskStatusChanged"]
            contact = (await Contact.filter(task_id__not=0).order_by("id"))[seq - 2]
            assert (told["seq"], told["contact"]) == (seq, {"notes": contact.notes})


async def log(server: Server, task: Task, number: int, words: str) -> None:
    for n in range(number):
        await log_over_http(server, task, notes=f"{words} {n}")


async def test_restored_with_the_server_stopped(database_url: str, backup: Backup) -> None:
    async with serving(database_url) as server:
        office = server.office
        task = await office.make_task()
        await log(server, task, KEPT - 1, "kept")
        kept = await cursors(server)
    await backup.take()
    async with serving(database_url, office) as server:
        await log(server, task, LOST, "lost")
        lost = (await cursors(server))[KEPT:]
    await backup.restore()
    async with serving(database_url, office) as server:
        await all_refuse(server, lost[-1])
        await log(server, task, AFTERWARDS, "afterwards")
        for after in lost:  # there are other events under these numbers now, and none beyond
            assert await code(await server.execute(EVENTS, after=after)) == "RESYNC_REQUIRED"
        await all_refuse(server, lost[0])
        await goes_on(server, kept[0], list(range(2, KEPT + AFTERWARDS + 1)))
        await goes_on(server, kept[-1], list(range(KEPT + 1, KEPT + AFTERWARDS + 1)))
        await equals_what_is_there(server)


@pytest.mark.parametrize("afterwards", [0, AFTERWARDS, LOST + 4], ids=["none", "fewer", "more"])
async def test_restored_under_a_running_server(
    database_url: str,
    backup: Backup,
    caplog: pytest.LogCaptureFixture,
    afterwards: int,
) -> None:
    async with serving(database_url) as server:
        office = server.office
        task = await office.make_task()
        other = await office.make_task()
        await log(server, task, KEPT - 2, "kept")
        kept = await cursors(server)
        await backup.take()
        async with watching(server) as watchers:
            await log(server, task, LOST, "lost")
            lost = (await cursors(server))[KEPT:]
            await backup.restore()
            await log(server, other, afterwards, "afterwards")
            for watcher in watchers:
                seqs = await resync_of(watcher)
                assert seqs == list(range(KEPT + 1, KEPT + LOST + 1)), "or of the other history"
        await all_refuse(server, lost[-1])
        after = list(range(KEPT + 1, KEPT + afterwards + 1))
        async with server.socket() as socket:
            await socket.subscribe(CHANGES, after=kept[-1])
            for seq in after:
                told = (await socket.next_data())["taskStatusChanged"]
                assert told["seq"] == seq
                assert told["contact"]["notes"].startswith("afterwards"), "of another history"
        await equals_what_is_there(server)
        metrics = (await server.metrics()).text
    assert "callboard_histories_changed_total 1.0" in metrics
    said = [r for r in caplog.records if "is gone, or is another one now" in r.getMessage()]
    assert [r.levelno for r in said] == [logging.ERROR]


@pytest.mark.parametrize("query", [CHANGES, FEED], ids=["changes", "feed"])
async def test_who_joins_a_group_of_the_lost_history_is_not_told_its_end(
    database_url: str, backup: Backup, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("gql_app.app.POLL_SECONDS", 60)  # nothing but the newcomer has it noticed
    async with serving(database_url) as server:
        task = await server.office.make_task()
        await log(server, task, KEPT - 1, "kept")
        kept = await cursors(server)
        await backup.take()
        async with watching(server):
            await log(server, task, LOST, "lost")
            await backup.restore()
            async with server.socket() as socket:
                await socket.subscribe(query, after=kept[-1])
                if query == FEED:
                    await next_message(socket, "QueuesChanged")
                    await next_message(socket, "QueueCounts")
                await log(server, task, 1, "afterwards")
                told = {}
                while "task" not in told:  # but counts
                    (told,) = (await socket.next_data()).values()
                assert told["seq"] == KEPT + 1
                assert told["contact"]["notes"].startswith("afterwards"), "of the lost history"

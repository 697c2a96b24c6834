"""A failover to a replica that lagged: who saw what is lost is told so, nobody else misses a thing.

Two real PostgreSQLs with asynchronous replication. The server polls as often as it does in earnest.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.replicas import Replicated, replicated
from benchmarks.wheel import url_of
from models.database import migrate
from models.task import Task
from tests.flows.commands import run
from tests.flows.feed_client import FEED, counts_of, fresh_counts, next_message, without_seq
from tests.flows.lost_history import (
    CHANGES,
    Poller,
    all_refuse,
    cursors,
    equals_what_is_there,
    resync_of,
    watching,
)
from tests.office import task_id
from tests.serving import Server, serving
from tests.web.streams import event_stream, eventually, log_over_http

REPLICATED, LOST, AFTERWARDS = 4, 5, 3
"""Events that both have (with that of the task itself), those that only the primary had, and those
that the promoted replica has besides."""

TOLD_SECONDS = 10.0


@pytest.fixture
def pair() -> Iterator[Replicated]:
    # pytest's own folder is root's alone, and PostgreSQL runs as somebody else.
    with (
        TemporaryDirectory(prefix="callboard-pair-") as name,
        replicated(Path(name) / "pg") as pair,
    ):
        yield pair


async def log(server: Server, task: Task, number: int, words: str) -> None:
    for n in range(number):
        await log_over_http(server, task, notes=f"{words} {n}")


async def follows_and_goes_on(server: Server, after: str, expected: list[int]) -> None:
    """One whose cursor both databases know gets what the promoted one has, over each transport."""
    async with server.socket() as socket, event_stream(server, CHANGES, after=after) as stream:
        await socket.subscribe(CHANGES, after=after)
        for seq in expected:
            told = (await socket.next_data())["taskStatusChanged"]
            assert told == (await stream.result())["data"]["taskStatusChanged"]
            assert told["seq"] == seq
            assert not (told["contact"]["notes"] or "").startswith("lost"), "of a lost event"


async def starts_afresh(server: Server, task: Task) -> None:
    """A snapshot, and what follows it, come to what the database says."""
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        counts = counts_of(await next_message(socket, "QueueSnapshot"))
        assert without_seq(counts) == without_seq(await fresh_counts(server))
        await log_over_http(server, task, notes="after the snapshot")
        event = await next_message(socket, "TaskEvent")
        assert event["task"]["id"] == task_id(task)
        changed = await next_message(socket, "QueueCounts")
        counts[changed.pop("queue")["id"]] = changed
        assert without_seq(counts) == without_seq(await fresh_counts(server))


async def is_back(server: Server) -> bool:
    return (await server.client.get("/readyz")).status_code == 200


async def test_a_replica_that_lagged_takes_over(
    pair: Replicated, caplog: pytest.LogCaptureFixture
) -> None:
    url = url_of(pair.folder)
    await migrate(url)
    await pair.add_replica()
    async with serving(url) as server:
        task, other = await server.office.make_task(), await server.office.make_task()
        await log(server, task, REPLICATED - 2, "kept")
        both = await cursors(server)
        behind = Poller(server, both[1])  # comes back when all is over
        async with watching(server) as watchers:
            poller = Poller(server, both[-1])
            await pair.replicated()
            await pair.cut()
            await log(server, task, LOST, "lost")
            assert await poller.poll() == list(range(REPLICATED + 1, REPLICATED + LOST + 1))
            lost = (await cursors(server))[REPLICATED:]
            await pair.crash()
            await pair.promote()
            promoted = time.monotonic()
            await eventually(lambda: is_back(server))
            for watcher in watchers:  # without a change or a bell
                seqs = await resync_of(watcher)
                assert seqs == list(range(REPLICATED + 1, REPLICATED + LOST + 1))
            assert time.monotonic() - promoted < TOLD_SECONDS
        for after in lost:
            await all_refuse(server, after)
        await log(server, other, AFTERWARDS, "afterwards")
        await all_refuse(server, lost[AFTERWARDS - 1])  # there is another event of its number now
        assert await poller.poll() == "RESYNC_REQUIRED"
        now = REPLICATED + AFTERWARDS
        await follows_and_goes_on(server, both[-1], list(range(REPLICATED + 1, now + 1)))
        await follows_and_goes_on(server, both[1], list(range(3, now + 1)))
        assert await behind.poll() == list(range(3, now + 1))
        await starts_afresh(server, other)
        await equals_what_is_there(server)
        metrics = (await server.metrics()).text
    assert "callboard_histories_changed_total 1.0" in metrics
    said = [r for r in caplog.records if "is gone, or is another one now" in r.getMessage()]
    assert [r.levelno for r in said] == [logging.ERROR]
    verdict, printed = await run("verify", CALLBOARD_DATABASE_URL=url)
    events, audit = printed.splitlines()
    assert (verdict, events) == (0, f"maple: events 1 to {now + 1} are what was written")
    assert audit.endswith("are what was written")

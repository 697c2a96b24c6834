"""Whoever's machine is wrong, a claim lasts as long as the database's clock says."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from gql_app.live.feeds import Feeds
from gql_app.schema.context import Context, Services
from gql_app.schema.feed_types import HeartbeatRow
from gql_app.schema.queue_feed import follow_queues
from gql_app.work.changes import Changes
from gql_app.work.upkeep.expiry import free_lapsed
from tests.clocks import clock_off_by
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.claims import Claims
from tests.work.agents import claim_on
from tests.work.claiming import changes_nothing, codes

MINUTE = timedelta(minutes=1)


async def claims_at(office: Office, off: timedelta) -> tuple[Claims, Changes]:
    """The claims of a host whose machine's clock is off."""
    changes = Changes(lambda *ring: office.rings.append(ring), await clock_off_by(off))
    return Claims(changes), changes


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("minutes", [11, -11])
async def test_a_host_whose_clock_is_wrong_frees_nobodys_claims(
    office: Office, minutes: int
) -> None:
    here, _ = await claims_at(office, timedelta())
    there, at_there = await claims_at(office, minutes * MINUTE)
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    for task in tasks[:2]:
        await here.claim(office.staff, task.id)

    assert await free_lapsed(there.changes, at_there.clock()) == 0
    outcome = await changes_nothing(office, there.claim(office.supervisor, tasks[0].id))
    assert codes(outcome) == ["CLAIMED_BY_OTHER"]
    taken = (await there.claim_next(office.supervisor, None)).task
    assert taken is not None
    assert taken.id == tasks[2].id
    # It lasts as long as it would have if it had been made here.
    _, until_here = await claim_on(tasks[0])
    assert until_here is not None
    assert taken.claimed_until is not None
    assert timedelta() < taken.claimed_until - until_here < MINUTE


async def test_heartbeats_go_on_when_the_clock_is_put_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.schema.queue_feed.HEARTBEAT", timedelta(seconds=0.05))
    server = Services(office.changes, Feeds(), office.clock)
    items = follow_queues(Context(office.staff, server), [office.recall.id], None)
    async with aclosing(items), asyncio.timeout(PATIENCE):
        await anext(items)
        office.clock.advance(hours=-1)
        for _ in range(3):
            while not isinstance((await anext(items)).row, HeartbeatRow):
                pass

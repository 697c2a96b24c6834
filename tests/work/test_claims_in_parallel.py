"""However many claim at once: nobody gets another's patient, and nobody goes without need."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import Viewer
from gql_app.work import intake
from gql_app.work.results import ChangeResult
from gql_app.work.upkeep.expiry import free_lapsed, sweep
from models import database
from models.database import opened
from models.event import TaskEventKind
from models.refusals import RefusalCode
from models.roles import Role
from models.task import Task
from tests.flows.test_workers import two_workers
from tests.office import Office, make_office
from tests.support.access import create_key
from tests.support.claims import Claims
from tests.work.agents import (
    FREE,
    all_events,
    assert_consistent,
    assert_nobody_acted_on_anothers_claim,
    claim_on,
    claims_of,
    make_agents,
    make_patients,
)

AGENTS = 50

PATIENCE = 20.0
"""Seconds after which so many changes at once are a deadlock, or somebody starves."""

CONNECTIONS = 25
"""To PostgreSQL: so many changes are really in flight at one moment."""


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[Office]:
    """An office in a database with many connections; SQLite has one in any case."""
    if not database_url.startswith("sqlite"):
        sign = "&" if "?" in database_url else "?"
        database_url += f"{sign}maxsize={CONNECTIONS}"
    async with opened(database_url):
        yield await make_office()


async def all_at_once(acts: Iterable[Awaitable[Any]]) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*acts)


@pytest.mark.parametrize("number", [60, 30])
async def test_fifty_who_ask_at_once_get_a_patient_each_as_long_as_there_are_any(
    busy: Office, number: int
) -> None:
    patients = await make_patients(busy, number)
    for place, patient in enumerate(patients):
        await busy.make_task(busy.recall, patient=patient)
        if place % 3 == 0:
            await busy.make_task(busy.missed, patient=patient)
        if place % 5 == 0:
            await busy.make_task(busy.recall, patient=patient, follow_up=busy.today)
    agents, claims = await make_agents(busy, AGENTS), claims_of(busy)

    outcomes: list[ChangeResult] = await all_at_once(
        [claims.claim_next(agent, [busy.recall.id]) for agent in agents]
    )

    given = {
        outcome.task.patient_id: agent.staff_id
        for agent, outcome in zip(agents, outcomes, strict=True)
        if outcome.task is not None
    }
    assert all(outcome.refusals == () for outcome in outcomes)
    assert sum(outcome.task is not None for outcome in outcomes) == min(number, AGENTS)
    assert len(given) == min(number, AGENTS), "a patient was handed out twice"
    for task in await Task.all():
        assert task.claimed_by_id == given.get(task.patient_id)
    assert len({event.task_id for event in await all_events(busy)}) == await Task.all().count()
    await assert_consistent(busy)
    assert_nobody_acted_on_anothers_claim(await all_events(busy))


async def test_those_who_ask_for_different_queues_share_no_patient_either(busy: Office) -> None:
    patients = await make_patients(busy, 20)
    for place, patient in enumerate(patients):  # each queue has them in an order of its own
        await busy.make_task(busy.recall, patient=patient)
        await busy.make_task(busy.missed, patient=patients[-1 - place])
    agents, claims = await make_agents(busy, 30), claims_of(busy)

    wanted = [[busy.recall.id], [busy.missed.id], None]
    outcomes: list[ChangeResult] = await all_at_once(
        [claims.claim_next(agent, wanted[place % 3]) for place, agent in enumerate(agents)]
    )

    given = [outcome.task.patient_id for outcome in outcomes if outcome.task is not None]
    assert sorted(given) == [patient.id for patient in patients]
    await assert_consistent(busy)


async def test_of_many_who_claim_the_same_patient_one_gets_it(busy: Office) -> None:
    tasks = [await busy.make_task(queue) for queue in (busy.recall, busy.missed)]
    agents, claims = await make_agents(busy, 20), claims_of(busy)

    outcomes: list[ChangeResult] = await all_at_once(
        [claims.claim(agent, tasks[place % 2].id) for place, agent in enumerate(agents)]
    )

    codes = [[refusal.code for refusal in outcome.refusals] for outcome in outcomes]
    assert sorted(codes) == [[], *[[RefusalCode.CLAIMED_BY_OTHER]] * 19]
    winner = agents[codes.index([])]
    assert (await claim_on(tasks[0]))[0] == winner.staff_id
    await assert_consistent(busy)


async def test_a_patient_whose_claim_lapses_is_freed_once_or_taken_by_one(busy: Office) -> None:
    task = await busy.make_task()
    agents, claims = await make_agents(busy, 8), claims_of(busy)
    await claims.claim(busy.supervisor, task.id)
    busy.clock.advance(minutes=10)

    await all_at_once(
        [
            *(free_lapsed(claims.changes, busy.clock()) for _ in range(4)),
            *(claims.claim_next(agent, None) for agent in agents),
        ]
    )

    kinds = [event.kind for event in await all_events(busy)]
    claimed, released = TaskEventKind.CLAIMED, TaskEventKind.RELEASED
    assert kinds[2:] in ([released, claimed], [claimed])
    await assert_consistent(busy)
    assert_nobody_acted_on_anothers_claim(await all_events(busy))


async def test_a_task_that_is_made_while_a_contact_is_logged_comes_free(
    busy: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await busy.make_task(busy.recall)
    await claims_of(busy).claim(busy.staff, task.id)
    looked, go_on = asyncio.Event(), asyncio.Event()
    insert = database.insert

    async def insert_later(table: str, **values: Any) -> int:
        looked.set()
        await go_on.wait()
        return await insert(table, **values)

    monkeypatch.setattr(intake, "insert", insert_later)
    making = asyncio.create_task(busy.make_task(busy.missed))
    await asyncio.wait_for(looked.wait(), PATIENCE)
    logging = asyncio.create_task(busy.log(task))
    await asyncio.wait([logging], timeout=0.3)  # it has to wait, or is done
    go_on.set()
    async with asyncio.timeout(PATIENCE):
        new, outcome = await making, await logging

    assert outcome.refusals == ()
    assert await claim_on(new) == FREE
    assert await claim_on(task) == FREE
    await assert_consistent(busy)


class _Agent:
    """Somebody who does all that can be done, in any order, and by chance."""

    def __init__(self, office: Office, viewer: Viewer, dice: random.Random) -> None:
        self._office, self._viewer, self._dice = office, viewer, dice
        self._claims = Claims(office.changes, timedelta(minutes=5))
        self._acts: list[Callable[[], Awaitable[object]]] = [
            *[self._claim_next] * 4,
            *[self._claim] * 3,
            *[self._log] * 5,
            *[self._release] * 2,
            *[self._create] * 3,
            self._lapse,
            self._expire,
        ]

    async def work(self, steps: int) -> None:
        for _ in range(steps):
            await self._dice.choice(self._acts)()

    async def _some_task(self) -> Task:
        count = await Task.all().count()
        task = await Task.all().order_by("id").offset(self._dice.randrange(count)).first()
        assert task is not None
        return task

    async def _claim_next(self) -> None:
        outcome = await self._claims.claim_next(self._viewer, None)
        if outcome.task is not None and self._dice.random() < 0.5:
            await self._office.log(await Task.get(id=outcome.task.id), viewer=self._viewer)

    async def _claim(self) -> None:
        await self._claims.claim(self._viewer, (await self._some_task()).id)

    async def _log(self) -> None:
        close = self._dice.random() < 0.3
        follow_up = None if close else self._office.today
        task = await self._some_task()
        await self._office.log(task, viewer=self._viewer, close=close, follow_up=follow_up)

    async def _release(self) -> None:
        await self._claims.release(self._viewer, (await self._some_task()).id)

    async def _create(self) -> None:
        office = self._office
        given: dict[str, Any] = {"patient": self._dice.choice(office.patients)}
        if self._dice.random() < 0.3:
            given["expires_at"] = office.clock() + timedelta(minutes=15)
        await office.make_task(self._dice.choice((office.recall, office.missed)), **given)

    async def _lapse(self) -> None:
        self._office.clock.advance(minutes=self._dice.choice((1, 2, 4)))
        await free_lapsed(self._claims.changes, self._office.clock())

    async def _expire(self) -> None:
        await sweep(self._office.changes, self._office.clock())


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_that_can_be_done_at_once_ends_and_leaves_one_claim_a_patient(
    busy: Office, seed: int
) -> None:
    for patient in busy.patients:
        await busy.make_task(patient=patient)
    dice = random.Random(seed)
    viewers = await make_agents(busy, 12)

    await all_at_once(
        [_Agent(busy, viewer, random.Random(dice.random())).work(25) for viewer in viewers]
    )

    events = await all_events(busy)
    kinds = {event.kind for event in events}
    assert kinds >= {TaskEventKind.CLAIMED, TaskEventKind.RELEASED, TaskEventKind.CONTACT_LOGGED}
    await assert_consistent(busy)
    assert_nobody_acted_on_anothers_claim(events)


CLAIM_NEXT = "mutation { claimNextTask { task { patient { id } } errors { code } } }"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_processes_hand_no_patient_out_twice(database_url: str) -> None:
    async with two_workers(database_url, database_url) as server:
        office = server.office
        keys = [await create_key(office.practice, Role.STAFF, f"Agent {n}") for n in range(30)]
        for patient in await make_patients(office, 25):
            await office.make_task(patient=patient)

        answers = await all_at_once([server.post({"query": CLAIM_NEXT}, key) for key in keys])

        payloads = [answer.json()["data"]["claimNextTask"] for answer in answers]
        given = [payload["task"]["patient"]["id"] for payload in payloads if payload["task"]]
        assert all(payload["errors"] == [] for payload in payloads)
        assert (len(given), len(set(given))) == (25, 25)
        await assert_consistent(office)

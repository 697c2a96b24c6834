"""The list in the order of work: what the server says, what the page sorts, and what Next gives."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from gql_app.clock import Clock
from gql_app.schema.ids import global_id
from gql_app.work.reads.queues import day_bounds
from gql_app.work.transitions import expire_task
from models.lifecycle import ContactOutcome, TaskOrigin, TaskStatus
from models.people import Patient
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.office import Office
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

TASKS = """query ($order: TaskOrder!, $status: [TaskStatus!], $first: Int!, $after: String) {
  tasks(orderBy: $order, filter: {status: $status}, first: $first, after: $after) {
    nodes { id number reason priority followUp followUpAt isCallBackDue expiresAt closedAt }
    pageInfo { endCursor hasNextPage }
  }
}"""
NEXT = "mutation { claimNextTask { task { id } } }"

SORT = """async ([order, tasks, day]) => {
  const { ORDERS } = await import('/dashboard/order.js');
  return tasks.sort(ORDERS[order](day)).map(({ id }) => id);
}"""


async def generated(office: Office, number: int) -> None:
    """Tasks with few dates and expiries, so that most have the same as others, each for a patient
    of its own; some expiries are a microsecond apart, or on a whole second."""
    chosen = random.Random(14)
    whole = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    expiries = [None, whole, *(whole + timedelta(microseconds=n) for n in (1, 2, 500_000))]
    here, now = office.practice.id, office.clock()
    await Patient.bulk_create(
        Patient(practice_id=here, name=f"Sage Nobodey {n}", phone="555-0100", created_at=now)
        for n in range(number)
    )
    tasks = []
    for patient in await Patient.filter(name__startswith="Sage"):
        days = chosen.choice((None, None, -2, -1, 0, 0, 1, 3))
        follow_up = None if days is None else office.today + timedelta(days=days)
        is_closed = chosen.random() < 0.2
        is_promised = not is_closed and follow_up == office.today and chosen.random() < 0.5
        at = now - timedelta(microseconds=chosen.choice((0, 1, 500_000))) if is_promised else None
        tasks.append(
            Task(
                practice_id=here,
                queue_id=chosen.choice((office.recall, office.missed)).id,
                patient_id=patient.id,
                status=TaskStatus.CLOSED if is_closed else TaskStatus.OPEN,
                origin=TaskOrigin.MANUAL,
                reason="Cleaning overdue",
                follow_up=None if is_closed else follow_up,
                due_on=follow_up or office.today,
                expires_at=chosen.choice(expiries),
                priority=chosen.choice((1, 2, 2, 2, 3)),
                created_at=now,
                closed_at=chosen.choice((whole, now, now)) if is_closed else None,
                follow_up_at=at,
                call_back_told_at=at and now,
            )
        )
    await Task.bulk_create(tasks)


async def listed(server: Server, order: str, status: list[str]) -> list[dict[str, Any]]:
    """The whole list, read in pages of 17."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        given: dict[str, Any] = {"order": order, "status": status, "first": 17, "after": after}
        page = (await server.data(TASKS, **given))["tasks"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


async def test_server_page_and_next_task_have_one_order(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await generated(office, 120)
    agent = await sign_in()
    for order, status in (("WORK", ["OPEN", "IN_PROGRESS"]), ("CLOSED", ["CLOSED"])):
        tasks = await listed(server, order, status)
        in_order = [task["id"] for task in tasks]
        shuffled = sorted(tasks, key=lambda task: hash(task["id"]))
        assert shuffled != tasks
        assert await agent.page.evaluate(SORT, [order, shuffled, str(office.today)]) == in_order
        if order == "WORK":
            due = [t["id"] for t in tasks if (t["followUp"] or "") <= str(office.today)]
            handed_out = []
            while task := (await server.data(NEXT))["claimNextTask"]["task"]:
                handed_out.append(task["id"])
            assert handed_out == due == in_order[: len(due)]
    shown = await agent.page.locator("#grid [role=row]:not(.heads)").first.inner_text()
    assert shown == "Call back now"


async def test_the_list_turns_at_the_practices_midnight(
    server: Server, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = server.office
    for days, patient in zip((0, 1, 2), office.patients, strict=True):
        await office.make_task(patient=patient, follow_up=office.today + timedelta(days=days))
    await office.make_task(reason="Asked for a call", patient=office.patients[2])
    midnight = day_bounds(office.today, office.practice.time_zone)[1]
    ahead = midnight - timedelta(seconds=3) - datetime.now(UTC)
    right = Clock.__call__
    monkeypatch.setattr(Clock, "__call__", lambda clock: right(clock) + ahead)
    agent = await sign_in()
    items = agent.page.locator("#grid .section, #grid .row .patient b")
    names = [f"{patient.name}" for patient in office.patients]
    await expect(items).to_have_text(["Today", names[0], "New", names[2], "Later", *names[1:]])
    await expect(items).to_have_text(
        ["Overdue", names[0], "Today", names[1], "New", names[2], "Later", names[2]]
    )
    await expect(agent.row("Amber Testwell")).to_contain_text("1 day overdue")


async def test_a_closed_task_says_when_why_and_by_whom(server: Server, sign_in: SignIn) -> None:
    office = server.office
    givens: list[dict[str, Any]] = [{}, {}, {"expires_at": office.clock() + timedelta(days=1)}]
    by_contact, withdrawn, expired = [
        await office.make_task(patient=patient, reason=reason, **given)
        for patient, reason, given in zip(
            office.patients,
            ("By contact", "By withdrawal", "By the clock"),
            givens,
            strict=True,
        )
    ]
    await office.log(by_contact, ContactOutcome.SCHEDULED, close=True)
    office.clock.advance(days=2)
    assert await office.changes.make_for(office.practice.id, expire_task, expired.id)
    agent = await sign_in()
    await agent.page.get_by_label("Status", exact=True).select_option("Closed")
    await expect(agent.rows).to_have_count(2)
    withdraw = """mutation ($ids: [ID!]!) {
      withdrawTasks(input: {ids: $ids, reason: "Moved away"}) { changed } }"""
    ids = [global_id("Task", withdrawn.id)]
    await server.data(withdraw, "supervisor", ids=ids)
    items = agent.page.locator("#grid .row .reason b")
    await expect(items).to_have_text(["By the clock", "By withdrawal", "By contact"])
    await expect(agent.row("By contact")).to_contain_text("Closed by Staff of maple")
    told = "Withdrawn by Supervisor of maple: Moved away"
    await expect(agent.row("By withdrawal")).to_contain_text(told)
    await expect(agent.row("By the clock")).to_contain_text("Expired")
    await agent.page.reload()
    await agent.page.get_by_label("Status", exact=True).select_option("Closed")
    await expect(items).to_have_text(["By the clock", "By withdrawal", "By contact"])
    await expect(agent.row("By withdrawal")).to_contain_text(told)

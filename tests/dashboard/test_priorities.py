"""Priorities at the dashboard: shown, set by supervisors, and first in the list at once."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from gql_app.schema.ids import global_id
from models.priority import TaskPriority
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import tab_to
from tests.dashboard.test_page import CUT_OFF, barriers_by_day_and_night
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("CALLBOARD_TEST_SCREENSHOTS")

HIGH, NORMAL, LOW = TaskPriority


async def test_a_supervisor_makes_a_task_urgent_and_it_goes_to_the_top_of_all_lists(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    overdue = await office.make_task(follow_up=office.today)
    yesterday = office.today - timedelta(days=1)
    await Task.filter(id=overdue.id).update(follow_up=yesterday, due_on=yesterday)
    task = await office.make_task(patient=office.patients[1], follow_up=office.today)
    agent, supervisor = await sign_in(), await sign_in("supervisor")
    items = agent.page.locator("#grid .section, #grid .row .patient b")
    await expect(items).to_have_text(["Overdue", "Amber Testwell", "Today", "Birch Testwell"])

    await supervisor.open("Birch Testwell")
    choice = supervisor.page.get_by_label("Priority")
    await expect(choice).to_have_value("NORMAL")
    await choice.select_option("High")

    await expect(items).to_have_text(
        ["High priority, due", "Birch Testwell", "Overdue", "Amber Testwell"]
    )
    await expect(agent.row("Birch Testwell")).to_contain_text("High: Cleaning overdue")
    await expect(supervisor.page.locator("[data-part=priority]")).to_have_text("High priority")
    await expect(supervisor.page.locator("[data-part=changes]")).to_be_hidden()
    await expect(choice).to_have_value("HIGH")
    await expect(supervisor.row("Birch Testwell")).to_contain_text("With you")
    await task.refresh_from_db()
    assert task.priority is HIGH


async def test_an_agent_is_told_and_logs_without_a_conflict(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await expect(agent.page.get_by_label("Priority")).to_have_count(0)
    await agent.choose("Left Message")
    await agent.write("Half of a note")
    given: dict[str, Any] = {"ids": [global_id("Task", task.id)]}
    document = """mutation ($ids: [ID!]!) {
      setTaskPriority(input: {ids: $ids, priority: LOW}) { changed } }"""

    await server.data(document, "supervisor", **given)

    told = agent.page.locator("[data-part=changes]")
    await expect(told).to_contain_text("Changed meanwhile by Supervisor of maple:")
    await expect(told).to_contain_text("Priority: normal → low")
    await agent.set_date(server.office.today + timedelta(days=1))
    await agent.log.click()
    await expect(agent.page.locator("#toast")).to_contain_text("Left Message, call again")
    await expect(agent.row("Amber Testwell")).to_contain_text("Low: Cleaning overdue")


async def test_by_the_keyboard_alone(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    supervisor = await sign_in("supervisor")
    await supervisor.open("Amber Testwell")
    await tab_to(supervisor.page.get_by_label("Priority"))
    await supervisor.page.keyboard.press("ArrowUp")
    await expect(supervisor.row("Amber Testwell")).to_contain_text("High: ")
    await expect(supervisor.page.get_by_label("Priority")).to_be_focused()
    await task.refresh_from_db()
    assert task.priority is HIGH


async def test_what_does_not_arrive_is_said_and_changes_nothing(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    supervisor = await sign_in("supervisor")
    await supervisor.open("Amber Testwell")
    await supervisor.write("Half of a note")
    await supervisor.page.route("**/graphql", lambda route: route.abort())
    choice = supervisor.page.get_by_label("Priority")
    await choice.select_option("High")
    await expect(supervisor.page.locator("[data-part=errors]")).to_contain_text("Not done.")
    await expect(choice).to_have_value("NORMAL")
    await supervisor.page.unroute("**/graphql")
    await choice.select_option("Low")
    await expect(supervisor.row("Amber Testwell")).to_contain_text("Low: ")
    await expect(supervisor.page.locator("[data-part=errors]")).to_be_hidden()
    await expect(supervisor.page.get_by_label("Notes")).to_have_value("Half of a note")
    await task.refresh_from_db()
    assert task.priority is LOW


async def test_a_new_task_gets_a_priority(server: Server, sign_in: SignIn) -> None:
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    patient = global_id("Patient", server.office.patients[0].id)
    await supervisor.load(f"/#/patients/{patient}")
    for reason, priority in (("Asked to be called", None), ("In pain", "High")):
        await page.get_by_role("button", name="New task").click()
        await page.get_by_role("textbox", name="Why to call").fill(reason)
        if priority:
            await page.get_by_label("Priority").select_option(priority)
        await page.get_by_role("button", name="Make task").click()
        await expect(page.locator("main li", has_text=reason)).to_be_visible()
    await expect(page.locator("main li", has_text="In pain")).to_contain_text("High priority")
    made = {task.reason: task.priority for task in await Task.all()}
    assert made == {"Asked to be called": NORMAL, "In pain": HIGH}


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
async def test_it_is_shown_without_a_barrier(
    server: Server, sign_in: SignIn, axe: str, width: int, height: int
) -> None:
    office = server.office
    for priority, patient in zip(TaskPriority, office.patients, strict=True):
        await office.make_task(patient=patient, priority=priority)
    supervisor = await sign_in("supervisor", viewport={"width": width, "height": height})
    page = supervisor.page
    items = page.locator("#grid .section")
    await expect(items).to_have_text(["High priority, new", "New", "Low priority, new"])
    assert await barriers_by_day_and_night(page, axe) == []
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"priority-list-{width}.png")
    await supervisor.open("Amber Testwell")
    await expect(page.get_by_label("Priority")).to_be_visible()
    assert await barriers_by_day_and_night(page, axe) == []
    assert await page.evaluate(CUT_OFF) == []
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"priority-dialog-{width}.png")

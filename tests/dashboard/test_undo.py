"""Taking back what was done: the offer after logging, and what supervisors may."""

from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, Route, expect

from models.contact import ContactUndo
from models.practice import Practice
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import tab_to
from tests.dashboard.test_page import barriers_by_day_and_night
from tests.dashboard.visits import Visit
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def offer(page: Page) -> Locator:
    return page.locator("#undo")


def history(page: Page) -> Locator:
    return page.locator("[data-part=history]")


async def log_and_close(agent: Visit) -> None:
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(offer(agent.page)).to_be_visible()


async def test_what_was_logged_is_taken_back_by_pointer_key_and_tab(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    page = agent.page
    await expect(agent.rows).to_have_count(1)
    before = await agent.shown()
    for way in ("pointer", "key", "tab"):
        await log_and_close(agent)
        await expect(agent.rows).to_have_count(0)
        await expect(offer(page).get_by_role("status")).to_have_text("Logged.")
        button = offer(page).get_by_role("button", name="Undo")
        if way == "pointer":
            assert await barriers_by_day_and_night(page, axe) == []
            await button.click()
        elif way == "key":
            await page.keyboard.press("u")
        else:
            await tab_to(button)
            await page.keyboard.press("Enter")
        await expect(page.locator("#toast")).to_have_text("Undone. Amber Testwell is as before.")
        await expect(offer(page)).to_be_hidden()
        await expect(agent.rows).to_have_count(1)
        assert await agent.shown() == before
    await expect(page.locator("#grid")).to_be_focused()  # the button with the focus has gone
    await task.refresh_from_db()
    assert (task.status, task.contact_count) == ("OPEN", 0)
    await agent.row("Amber").click()
    await expect(history(page).locator("del").first).to_have_text("Scheduled, closed")
    await expect(history(page)).to_contain_text("by Staff of maple")


async def test_the_offer_goes_along_into_a_dialog_and_is_not_taken_while_typing(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.make_task()
    await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    page = agent.page
    await log_and_close(agent)
    await agent.open("Birch Testwell")
    await expect(agent.dialog.locator("#undo")).to_be_visible()
    await agent.write("you are unlucky")
    await expect(page.get_by_label("Notes")).to_have_value("you are unlucky")
    await expect(offer(page)).to_be_visible()
    assert await barriers_by_day_and_night(page, axe) == []
    await agent.choose("No Answer")
    await page.keyboard.press("u")
    await expect(agent.dialog.locator(".toast")).to_contain_text("Undone.")
    await expect(page.get_by_label("Notes")).to_have_value("you are unlucky")
    assert await ContactUndo.all().count() == 1


async def test_the_offer_goes_after_half_a_minute_but_not_from_under_a_hand(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    agent = await sign_in()
    page = agent.page
    await page.clock.install()
    await agent.load()
    await agent.is_live()
    await log_and_close(agent)
    await page.clock.run_for(28_000)
    await expect(offer(page)).to_be_visible()
    await tab_to(offer(page).get_by_role("button"))
    await page.clock.run_for(10_000)
    await expect(offer(page)).to_be_visible()
    await page.locator("#grid").focus()
    await page.clock.run_for(1_000)
    await expect(offer(page)).to_be_hidden()
    await page.keyboard.press("u")
    assert await ContactUndo.all().count() == 0


async def test_what_cannot_be_undone_any_more_is_said(server: Server, sign_in: SignIn) -> None:
    office = server.office
    task = await office.make_task()
    agent = await sign_in()
    page, toast = agent.page, agent.page.locator("#toast")
    await agent.open("Amber Testwell")
    await agent.choose("No Answer")
    await page.get_by_role("button", name="Tomorrow").click()
    await agent.log.click()
    await expect(offer(page)).to_be_visible()

    async def unreachable(route: Route) -> None:
        await route.abort()

    await page.route("**/graphql", unreachable)
    await page.keyboard.press("u")
    await expect(toast).to_contain_text("Not undone; try again.")
    await expect(offer(page)).to_be_visible()
    await page.unroute("**/graphql")
    await office.log(task, close=True)
    await page.keyboard.press("u")
    await expect(toast).to_contain_text("Not undone. More has been done on this task since then")
    await expect(offer(page)).to_be_hidden()
    await task.refresh_from_db()
    assert (task.status, task.contact_count) == ("CLOSED", 2)


async def test_with_no_minutes_agents_are_offered_nothing(server: Server, sign_in: SignIn) -> None:
    await Practice.all().update(undo_minutes=0)
    office = server.office
    for patient in office.patients[:2]:
        await office.make_task(patient=patient)
    agent, supervisor = await sign_in(), await sign_in("supervisor")
    for visit, name in ((agent, "Amber"), (supervisor, "Birch")):
        await visit.open(name)
        await visit.choose("Scheduled")
        await visit.log_and_close.click()
        await expect(visit.page.locator("#toast")).to_contain_text("Scheduled, closed.")
    await expect(offer(supervisor.page)).to_be_visible()
    await expect(offer(agent.page)).to_be_hidden()


async def test_a_supervisor_undoes_a_contact_in_the_history(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, notes="First")
    await office.log(task, close=True, notes="By mistake")
    supervisor, agent = await sign_in("supervisor"), await sign_in()
    page = supervisor.page
    for visit in (agent, supervisor):
        await visit.load(f"/#/tasks/{task_id(task)}")
        await expect(history(visit.page)).to_contain_text("By mistake")
    for action in ("Undo …", "Reopen …"):
        await expect(agent.page.get_by_role("button", name=action)).to_be_hidden()
    undo = page.get_by_role("button", name="Undo …")
    await expect(undo).to_have_count(1)
    await undo.click()
    form = page.get_by_role("dialog", name="Undo “No Answer” of Staff of maple")
    await expect(form).to_be_visible()
    assert await barriers_by_day_and_night(page, axe) == []
    await form.get_by_role("button", name="Undo the contact").click()
    await expect(form).to_contain_text("Say why the contact of somebody else is undone.")
    await form.get_by_label("Why").fill("It was another patient")
    await form.get_by_role("button", name="Undo the contact").click()
    await expect(form).to_be_hidden()
    for visit in (supervisor, agent):
        await expect(history(visit.page).locator("del")).to_have_text("No Answer, closed")
        told = "by Supervisor of maple: It was another patient"
        await expect(history(visit.page)).to_contain_text(told)
    await expect(supervisor.log_and_close).to_be_visible()  # the task is open again, and claimed
    await expect(supervisor.row("Amber")).to_contain_text("With you")
    await expect(undo).to_have_count(1)  # of the contact before it
    await task.refresh_from_db()
    assert (task.status, task.contact_count) == ("IN_PROGRESS", 1)


async def test_a_supervisor_reopens_a_closed_task(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, close=True)
    supervisor, agent = await sign_in("supervisor"), await sign_in()
    page = supervisor.page
    await supervisor.load(f"/#/tasks/{task_id(task)}")
    await page.get_by_role("button", name="Reopen …").click()
    form = page.get_by_role("dialog", name="Reopen the task of Amber Testwell")
    assert await barriers_by_day_and_night(page, axe) == []
    await form.get_by_label("Why").fill("Rang back")
    await form.get_by_role("button", name="Reopen the task").click()
    await expect(form).to_contain_text("Set a follow-up date to keep the task open.")
    await expect(form.get_by_label("Why")).to_have_value("Rang back")
    day = office.today + timedelta(days=2)
    await form.get_by_label("Call on").fill(str(day))
    await form.get_by_role("button", name="Reopen the task").click()
    await expect(form).to_be_hidden()
    await expect(supervisor.log_and_close).to_be_visible()
    await expect(agent.row("Amber", "in 2 days")).to_have_count(1)
    await agent.page.get_by_role("link", name="Board").click()
    reopened = await Task.get(id=task.id)
    assert (reopened.status, reopened.follow_up) == ("IN_PROGRESS", day)


async def test_the_practice_sets_for_how_long_one_may_undo(server: Server, sign_in: SignIn) -> None:
    admin = await sign_in("admin")
    page = admin.page
    await admin.load("/#/settings/practice")
    minutes = page.get_by_label("Undo, in minutes")
    await expect(minutes).to_have_value("15")
    for typed, said in (("121", "0 to 120"), ("", "0 to 120")):
        await minutes.fill(typed)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#settings-section")).to_contain_text(said)
        await expect(minutes).to_have_value(typed)
    await minutes.fill("30")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("Saved.")
    assert (await Practice.get()).undo_minutes == 30

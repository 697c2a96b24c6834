"""The first steps of a new practice: an admin is led through queues, people and a first list."""

import pytest
from playwright.async_api import Locator, Page, expect

from gql_app.schema.ids import global_id
from models.practice import Queue
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers, barriers_by_day_and_night
from tests.schema.documents import CREATE_TASK
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def steps(page: Page) -> Locator:
    return page.get_by_role("region", name="Getting started")


async def make_task(server: Server) -> None:
    """Make one at the server, which tells its pages at once."""
    office = server.office
    new = {
        "queueId": global_id("Queue", office.recall.id),
        "patientId": global_id("Patient", office.patients[0].id),
        "reason": "Cleaning overdue",
    }
    await server.data(CREATE_TASK, "supervisor", input=new)


def done(page: Page) -> Locator:
    return steps(page).locator("li.done")


async def test_an_admin_is_led_by_keyboard_until_all_is_done(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await Queue.filter(id=office.missed.id).delete()
    page = (await sign_in("admin")).page
    await expect(steps(page)).to_contain_text("There is 1 queue now.")
    await expect(done(page)).to_have_count(0)

    await steps(page).get_by_role("link", name="Add a queue").press("Enter")
    await page.get_by_role("button", name="Add a queue").press("Enter")
    await page.keyboard.type("Plans")
    await page.keyboard.press("Enter")
    await expect(done(page)).to_have_text(
        ["Done: Add a queueOne for each reason to call. There are 2 queues now."]
    )
    assert await barriers_by_day_and_night(page, axe) == []
    await page.get_by_role("link", name="Patients").press("Enter")
    await expect(steps(page)).to_be_hidden()
    await page.get_by_role("link", name="Board").press("Enter")

    await steps(page).get_by_role("link", name="Invite somebody").press("Enter")
    await expect(page.get_by_role("heading", name="People")).to_be_visible()
    await page.get_by_role("button", name="Invite somebody").press("Enter")
    await page.keyboard.type("Kim")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Link", exact=True)).to_be_visible()
    await expect(done(page)).to_have_count(2)
    await steps(page).get_by_role("link", name="Import a list").press("Enter")
    await expect(page.get_by_label("A list of patients to call")).to_be_visible()
    await expect(done(page)).to_have_count(2)

    await make_task(server)
    await expect(steps(page)).to_be_hidden()
    await page.get_by_role("link", name="Board").press("Enter")
    await expect(page.locator("#board-counts")).to_contain_text("Plans")
    await expect(steps(page)).to_be_hidden()


async def test_put_away_it_stays_away_in_this_browser(sign_in: SignIn) -> None:
    admin = await sign_in("admin")
    page = admin.page
    await steps(page).get_by_role("button", name="Put away").press("Enter")
    await expect(steps(page)).to_be_hidden()
    await expect(page.locator("#grid")).to_be_focused()
    await page.reload()
    await admin.is_live()
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Time zone")).to_be_visible()
    await expect(steps(page)).to_be_hidden()


async def test_others_are_told_how_tasks_come_if_they_may_bring_them_in(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    agent = await sign_in()
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    teaching = page.locator("#none")
    await expect(teaching).to_contain_text("Make a task for a patient")
    await expect(agent.page.locator("#note")).to_have_text("No tasks here.")
    await expect(agent.page.locator("#none")).to_be_hidden()
    assert await barriers(page, axe) == []
    await page.get_by_label("Status", exact=True).select_option("Closed")
    await expect(teaching).to_be_hidden()
    await page.get_by_label("Status", exact=True).select_option("Open")
    await teaching.get_by_role("link", name="Import a list").press("Enter")
    await expect(page.get_by_label("A list of patients to call")).to_be_visible()
    assert await steps(page).count() == 0
    await make_task(server)
    await page.get_by_role("link", name="Tasks").click()
    await expect(supervisor.rows).to_have_count(1)
    await expect(teaching).to_be_hidden()

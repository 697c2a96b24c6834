"""Calling hours on the page: set by admins, told when nobody is next; a warning in the dialog."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from gql_app.work.practices import update_practice
from models.practice import Practice
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def answered(page: Page, field: str) -> AbstractAsyncContextManager[object]:
    """Wait for the answer to a request for this field."""
    return page.expect_response(lambda answer: field in (answer.request.post_data or ""))


async def close_today(server: Server) -> None:
    """Patients may be called in three days, and not before."""
    office = server.office
    week = {"calling_hours": f"{office.today + timedelta(days=3):%a} 08:00-18:00"}
    await office.changes.make(office.admin, update_practice, week)


async def test_hours_and_holidays_are_set_and_what_is_wrong_stands_beside_them(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    page = (await sign_in("admin")).page
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Maple Dental")
    assert await barriers(page, axe) == []
    begin, end = page.get_by_label("Monday, from"), page.get_by_label("Monday, to")
    await begin.fill("18:00")
    await page.get_by_label("Holidays").fill("Christmas")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Monday needs both times, or none.")).to_be_visible()
    await expect(page.get_by_text("A line begins with a date")).to_be_visible()

    await end.fill("08:00")
    days = "2026-12-25 Christmas\n2026-12-25"
    await page.get_by_label("Holidays").fill(days)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("On Monday the hours end at 08:00")).to_be_visible()
    await expect(page.get_by_text("2026-12-25 is a holiday twice.")).to_be_visible()
    await expect(end).to_be_focused()
    await expect(page.get_by_label("Holidays")).to_have_value(days)
    assert await barriers(page, axe) == []

    await begin.fill("08:00")
    await end.fill("18:00")
    await page.get_by_label("Holidays").fill("2027-01-01\n2026-12-25 Christmas")
    await end.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("Saved.")
    await expect(page.get_by_label("Holidays")).to_have_value("2026-12-25 Christmas\n2027-01-01")
    practice = await Practice.get(id=server.office.practice.id)
    assert practice.calling_hours == "Mon 08:00-18:00"
    assert practice.holidays == "2026-12-25 Christmas\n2027-01-01"

    await begin.fill("")
    await end.fill("")
    await page.get_by_label("Holidays").fill("")
    async with answered(page, "updatePractice"):
        await page.get_by_role("button", name="Save").click()
    await expect(begin).to_have_value("")
    practice = await Practice.get(id=server.office.practice.id)
    assert [practice.calling_hours, practice.holidays] == [None, None]


async def test_outside_the_hours_there_is_no_next_task_and_the_dialog_warns(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    await server.office.make_task()
    await server.office.make_task(patient=server.office.patients[1])
    await close_today(server)
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    await agent.page.keyboard.press("n")
    toast = agent.page.locator("#toast")
    await expect(toast).to_contain_text("Everybody who is due is outside the calling hours.")
    await expect(toast).to_contain_text("at 8:00 AM")

    await agent.open("Amber Testwell")
    warning = agent.page.locator("[data-part=hours]")
    await expect(warning).to_contain_text("at the practice: outside the calling hours.")
    assert await barriers(agent.page, axe) == []
    await agent.page.keyboard.press("Escape")
    await Practice.filter(id=server.office.practice.id).update(calling_hours=None)
    async with answered(agent.page, "claimTask"):
        await agent.open("Birch Testwell")
    await expect(warning).to_be_hidden()

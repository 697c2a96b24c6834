"""The settings' section of imports: a file's columns are matched, its rows come in, rejects are
mended, and all of it is taken back."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import FilePayload, Page, expect

from models.importing import ImportJob
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.serving import Server
from tests.support.workbooks import workbook

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROWS = [
    ["Nr", "Nachname", "Vorname", "Telefon", "Grund", "Bemerkung"],
    [1, "Testwell", "Fern", "217 555 0123", "Recall", "ruft gern zurück"],
    [2, "Testwell", "Elm", "none", "Recall", ""],
    [3, "Testwell", "Oak", "217 555 0124", "Recall", ""],
]
LATE = [*ROWS, [4, "Testwell", "Yew", "217 555 0125", "Recall", "nachmittags"]]
SHOTS = os.environ.get("CALLBOARD_SHOTS")


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png")


async def choose(page: Page, content: bytes, name: str) -> None:
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    await page.get_by_label("A list of patients to call").set_input_files(file)
    await page.get_by_role("button", name="Look at the file").press("Enter")


async def test_a_list_is_imported_mended_and_taken_back(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    agent = await sign_in()
    await expect(agent.page.locator("#to-settings")).to_be_hidden()
    page = (await sign_in("supervisor")).page
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_text("Nothing has been imported yet.")).to_be_visible()
    assert await barriers(page, axe) == []
    await shot(page, "choose")
    await choose(page, b"%PDF-1.4", "list.pdf")
    await expect(page.get_by_text("is neither .csv nor .xlsx")).to_be_visible()

    await choose(page, workbook(LATE), "Später.xlsx")
    await expect(page.get_by_text("3 new, 1 rejected")).to_be_visible()
    samples = page.locator("tr", has_text="Bemerkung").locator("td").last
    await expect(samples).to_have_text("ruft gern zurück · nachmittags")
    await page.get_by_role("button", name="Choose another file").click()
    await choose(page, workbook(ROWS), "Liste.xlsx")
    await expect(page.get_by_text("2 new, 1 rejected")).to_be_visible()
    phone = page.get_by_label("Column \u2068Telefon\u2069")
    await expect(phone).to_have_value("PHONE")
    assert await barriers(page, axe) == []
    await shot(page, "match")
    await page.get_by_label("Column \u2068Bemerkung\u2069").select_option("Phone")
    await expect(page.get_by_text("Two columns are matched")).to_be_visible()
    await phone.select_option("Not used")
    await expect(page.get_by_text("0 new, 3 rejected")).to_be_visible()
    await phone.select_option("Phone")
    await page.get_by_label("Column \u2068Bemerkung\u2069").select_option("Not used")
    await expect(page.get_by_text("2 new, 1 rejected")).to_be_visible()
    await page.get_by_label("Source").fill("pms")
    await page.get_by_role("button", name="Start the import").press("Enter")

    await expect(agent.rows).to_have_count(2)
    mended = page.get_by_label("\u2068Telefon\u2069, line 3")
    await expect(mended).to_have_value("none")
    assert await barriers(page, axe) == []
    await shot(page, "rejects")
    await mended.fill("soon")
    await mended.press("Enter")
    await expect(page.locator("td.wrong")).to_contain_text("no phone number")
    await expect(mended).to_be_focused()
    await mended.fill("217 555 0188")
    await page.get_by_role("button", name="Send line 3 again").click()
    await expect(agent.rows).to_have_count(3)
    await expect(page.get_by_text("Done: 3 new.")).to_be_visible()

    await page.get_by_role("button", name="Undo this import").click()
    assert await Task.filter(closed_at=None).count() == 3
    await page.get_by_role("button", name="Withdraw its tasks now?").click()
    await expect(page.get_by_text("Undone: 3 tasks taken back.")).to_be_visible()
    await expect(agent.rows).to_have_count(0)
    await shot(page, "undone")
    await page.get_by_role("button", name="Import another file").click()
    await expect(page.get_by_role("button", name="Open \u2068Liste.xlsx\u2069")).to_be_visible()
    await shot(page, "earlier")


async def test_on_a_phone_all_of_it_is_within_reach_and_after_a_day_nothing_is_undone(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    viewport = {"width": 390, "height": 844}
    page = (await sign_in("supervisor", viewport=viewport, color_scheme="dark")).page
    await page.get_by_role("link", name="Settings").press("Enter")
    await choose(page, workbook(ROWS), "Liste.xlsx")
    await expect(page.get_by_text("2 new, 1 rejected")).to_be_visible()
    assert await within(page, "#settings :is(select, td)")
    await page.get_by_role("button", name="Start the import").press("Enter")
    await expect(page.get_by_text("It can be undone until")).to_be_visible()
    await expect(page.get_by_role("button", name="Send line 3 again")).to_be_visible()
    assert await within(page, "#settings :is(input, button, td)")
    assert await barriers(page, axe) == []
    await page.get_by_role("button", name="Import another file").press("Enter")
    await expect(page.get_by_role("button", name="Open \u2068Liste.xlsx\u2069")).to_be_visible()
    assert await within(page, "#settings :is(input, button, td)")
    await ImportJob.all().update(started_at=datetime.now(UTC) - timedelta(days=2))
    await page.get_by_role("button", name="Open \u2068Liste.xlsx\u2069").press("Enter")
    await expect(page.get_by_text("Done: 2 new, 1 rejected.")).to_be_visible()
    await expect(page.get_by_role("button", name="Undo this import")).to_be_hidden()
    await expect(page.get_by_text("It can be undone until")).to_have_count(0)


async def within(page: Page, selector: str) -> bool:
    """Whether none of these that are shown goes over the edge of the window."""
    found = await page.locator(selector).evaluate_all(
        """(all) => all.filter((e) => e.checkVisibility())
          .filter((e) => e.getBoundingClientRect().right > innerWidth)
          .map((e) => e.outerHTML)"""
    )
    return bool(not found)

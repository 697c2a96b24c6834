"""Download beside lists and reports, for the roles that may."""

import csv
import io
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from models.lifecycle import ContactOutcome
from tests.dashboard.conftest import SignIn
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def downloaded(page: Page, button: str) -> tuple[str, list[dict[str, str]]]:
    """The name of the file that a button gives, and its rows."""
    async with page.expect_download() as waiting:
        await page.locator(button).click()
    download = await waiting.value
    return download.suggested_filename, rows_in(await download.path())


def rows_in(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))


async def test_what_a_list_shows_is_downloaded(server: Server, sign_in: SignIn) -> None:
    office = server.office
    for patient in office.patients:
        await office.make_task(patient=patient)
    visit = await sign_in("admin")
    page = visit.page
    await expect(visit.rows).to_have_count(3)
    await page.get_by_role("searchbox", name="Search").fill("Birch")
    await expect(visit.rows).to_have_count(1)
    name, rows = await downloaded(page, "#download-tasks")
    assert name == f"tasks-{office.today}.csv"
    assert [row["name"] for row in rows] == ["Birch Testwell"]
    await expect(page.locator("#toast")).to_contain_text(f"Downloaded: {name}")
    assert not [url for url in visit.requests if "Birch" in url]
    await page.get_by_role("link", name="Board").click()
    _, queues = await downloaded(page, "#download-queues")
    assert [row["open"] for row in queues] == ["3", "0"]
    _, activity = await downloaded(page, "#download-activity")
    assert activity[-1]["tasks_opened"] == "3"
    await page.get_by_role("link", name="Audit").click()
    _, audit = await downloaded(page, "#download-audit")
    assert "download" in {row["operation"] for row in audit}


async def test_agents_have_no_downloads(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    await server.office.log(task, ContactOutcome.NO_ANSWER)
    visit = await sign_in("staff")
    await expect(visit.rows).to_have_count(1)
    await expect(visit.page.locator("#download-tasks")).to_be_hidden()
    await visit.page.get_by_role("link", name="Board").click()
    await expect(visit.page.locator("#download-queues")).to_be_hidden()


async def test_a_download_that_breaks_off_leaves_no_file(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    visit = await sign_in("supervisor")
    await expect(visit.rows).to_have_count(1)
    await visit.page.route("**/download", lambda route: route.abort())
    await visit.page.locator("#download-tasks").click()
    await expect(visit.page.locator("#toast")).to_contain_text("The server cannot be reached.")
    await expect(visit.page.locator("#download-tasks")).to_have_text("Download")

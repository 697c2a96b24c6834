"""The pictures in the README, made anew when asked: CALLBOARD_SCREENSHOTS=docs/screenshots, as in
`make screenshots`."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gql_app.demo import database_url, prepare
from tests.dashboard.visits import Visit, visiting
from tests.flows.commands import free_port, running, serves

FOLDER = os.environ.get("CALLBOARD_SCREENSHOTS")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(FOLDER is None, reason="CALLBOARD_SCREENSHOTS does not say where to"),
]

VIEWS = [
    (1280, 800, "light"),
    (1280, 800, "dark"),
    (1920, 1080, "light"),
    (390, 844, "light"),
]


async def test_the_views_are_pictured(browser: Browser, tmp_path: Path) -> None:
    keys = (await prepare(tmp_path)).keys
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with (
        running("serve", "--port", port, CALLBOARD_DATABASE_URL=database_url(tmp_path)),
        visiting(browser, url) as visit,
    ):
        await serves(url)
        agent = await visit()
        await agent.enter(keys["staff"])
        await agent.page.get_by_role("button", name="Next task").click()
        await expect(agent.dialog).to_be_visible()
        for width, height, scheme in VIEWS:
            dashboard = await visit(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            await dashboard.enter(keys["supervisor"])
            await _picture(dashboard, Path(FOLDER or ""), f"{width}-{scheme}")


async def _picture(dashboard: Visit, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = dashboard.page
    await page.get_by_label("Status", exact=True).select_option("Open + In Progress")
    await expect(dashboard.rows.first).to_contain_text("overdue")
    await page.keyboard.press("Escape")
    await page.screenshot(path=folder / f"tasks-{name}.png")
    row = dashboard.rows.filter(has_not_text="With").nth(1)
    await row.click()
    await expect(dashboard.dialog.locator("[data-part=history] li").first).to_be_visible()
    await dashboard.choose("Did Not Schedule")
    await dashboard.write("Wants to ask at work first.")
    await page.screenshot(path=folder / f"contact-{name}.png")
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Board").click()
    await expect(page.locator("#staff")).to_contain_text("Robin Callwell")
    await expect(page.locator("#chart .value").first).to_be_visible()
    await page.screenshot(path=folder / f"board-{name}.png")

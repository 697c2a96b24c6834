"""The pictures in README and docs, made anew when CALLBOARD_TEST_SCREENSHOTS names a folder for
them: `make screenshots`."""

import json
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.dashboard.visits import Visit, visiting
from tests.flows.commands import free_port, running, serves

FOLDER = os.environ.get("CALLBOARD_TEST_SCREENSHOTS")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(FOLDER is None, reason="CALLBOARD_TEST_SCREENSHOTS does not say where to"),
]

SIZES = [
    (1280, 720, "light"),
    (1280, 720, "dark"),
    (390, 844, "light"),
]


async def test_the_views_are_pictured(browser: Browser, tmp_path: Path) -> None:
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with (
        running("demo", "--port", port, "--data", str(tmp_path / "demo")),
        visiting(browser, url) as visit,
    ):
        await serves(url)
        keys = json.loads((tmp_path / "demo/keys.json").read_text())
        agent = await visit()
        await agent.enter(keys["staff"])
        await agent.page.get_by_role("button", name="Next task").click()
        await expect(agent.dialog).to_be_visible()
        for width, height, scheme in SIZES:
            dashboard = await visit(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            await dashboard.enter(keys["supervisor"])
            await _picture(dashboard, Path(FOLDER or ""), f"{width}-{scheme}")
            admin = await visit(viewport={"width": width, "height": height}, color_scheme=scheme)
            await admin.enter(keys["admin"])
            await admin.load("/#/settings/queues")
            await expect(admin.page.locator(".queue-list > li").first).to_be_visible()
            await expect(admin.page.locator("#start")).to_be_visible()
            await admin.page.screenshot(path=Path(FOLDER or "") / f"settings-{width}-{scheme}.png")


async def _picture(dashboard: Visit, folder: Path, name: str) -> None:
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

"""The moving picture in the README: an agent logs a contact, and a supervisor sees it. It is made
anew when CALLBOARD_TEST_SCREENSHOTS names a folder for it: `make screenshots`."""

import asyncio
import json
import os
from pathlib import Path
from threading import Event

import pytest
from playwright.async_api import Browser, Locator, expect

from gql_app.commands.demo.colleagues import Colleague, Pauses
from tests.dashboard.animation import Animation
from tests.dashboard.visits import visiting
from tests.flows.commands import free_port, running, serves

FOLDER = os.environ.get("CALLBOARD_TEST_SCREENSHOTS")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(FOLDER is None, reason="CALLBOARD_TEST_SCREENSHOTS does not say where to"),
]

SIZE = {"width": 600, "height": 720}
NOTES = "Left a voicemail with our number."
MOST_BYTES = 1_500_000


async def test_a_contact_is_logged_in_one_browser_and_seen_in_another(
    browser: Browser, tmp_path: Path
) -> None:
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with (
        running("demo", "--port", port, "--data", str(tmp_path / "demo")),
        visiting(browser, url) as visit,
    ):
        await serves(url)
        keys = json.loads((tmp_path / "demo/keys.json").read_text())
        agent, supervisor = [await visit(viewport=SIZE, color_scheme="light") for _ in range(2)]
        await agent.enter(keys["staff"])
        await supervisor.enter(keys["supervisor"])
        await supervisor.page.get_by_role("link", name="Board").click()
        await expect(supervisor.page.locator("#chart .value").first).to_be_visible()
        somebody = Colleague(("127.0.0.1", int(port)), keys["staff"], 1, Pauses(call=(0, 0)))
        for _ in range(2):  # a board on which something has happened already
            await asyncio.to_thread(somebody.call_next, Event())
        await expect(supervisor.page.locator("#ticker li")).to_have_count(4)
        await expect(supervisor.page.locator("#staff tr")).to_have_count(0)
        await supervisor.page.locator(".outcomes").evaluate("section => section.scrollIntoView()")
        await supervisor.page.mouse.move(590, 650)
        stage = await (await browser.new_context()).new_page()
        pages = {"An agent": agent.page, "A supervisor": supervisor.page}
        animation = Animation(stage, pages)
        await animation.begin()
        animation.pointer = (300, 420)
        await animation.show(1500)

        await press(animation, agent.page.get_by_role("button", name="Next task"))
        await expect(supervisor.page.locator("#ticker li").first).to_contain_text("Claimed")
        await expect(supervisor.page.locator("#staff")).to_contain_text("Robin Callwell")
        await expect(agent.dialog.locator("[data-part=history] li").first).to_be_visible()
        await animation.show(1500)
        await press(animation, agent.page.locator("label", has_text="Left Message"))
        await animation.show(600)
        await press(animation, agent.page.get_by_label("Notes"))
        for end in range(3, len(NOTES) + 3, 3):
            await agent.write(NOTES[:end])
            await animation.show(80)
        await animation.show(600)
        await press(animation, agent.log)
        await expect(supervisor.page.locator("#ticker li").first).to_contain_text("Left Message")
        await expect(supervisor.page.locator("#staff")).not_to_contain_text("Robin Callwell")
        await animation.show(400)
        await lead(animation, 430, 330)
        await animation.show(4000)
        made = await animation.finish()
        await stage.context.close()
    assert len(made) < MOST_BYTES
    (Path(FOLDER or "") / "two-browsers.webp").write_bytes(made)


async def press(animation: Animation, control: Locator) -> None:
    """Lead the pointer to a control, and click on it."""
    box = await control.bounding_box()
    assert box is not None
    await lead(animation, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await animation.show(250, is_pressed=True)
    await control.click()


async def lead(animation: Animation, to_x: float, to_y: float) -> None:
    x, y = animation.pointer
    for part in (0.15, 0.4, 0.7, 0.9, 1):
        animation.pointer = (x + (to_x - x) * part, y + (to_y - y) * part)
        await animation.show(60)

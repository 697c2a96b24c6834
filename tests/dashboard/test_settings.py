"""The settings, for admins: the practice and its queues, by mouse and by keyboard."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, Route, expect

from gql_app.schema.ids import global_id
from gql_app.work.archiving import archive_queue
from models.practice import Practice, Queue
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_outside import DASH
from tests.dashboard.test_page import FITS, barriers, barriers_by_day_and_night
from tests.schema.test_practices import CREATE, UPDATE, changed
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def listed(page: Page) -> Locator:
    return page.locator(".queue-list > li strong")


def of_queue(page: Page, act: str, name: str) -> Locator:
    """The button of a queue that does so."""
    return page.get_by_role("button", name=f"{act}: \u2068{name}\u2069")


async def open_queues(page: Page) -> None:
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Queues").click()
    await expect(listed(page)).to_have_text(["Overdue recall", "Missed appointments"])


async def test_a_practice_is_renamed_and_everybody_sees_it(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    agent = await sign_in()
    await expect(agent.page.locator("#practice-name")).to_have_text("Maple Dental")
    await expect(agent.page.locator("#to-settings")).to_be_hidden()
    page = (await sign_in("admin")).page
    await page.get_by_role("link", name="Settings").click()
    await expect(page).to_have_title(DASH.join(("Practice", "Settings", "Callboard")))
    name = page.get_by_label("Name", exact=True)
    await expect(name).to_have_value("Maple Dental")
    assert await barriers(page, axe) == []
    await page.get_by_label("Time zone").fill("America/Chigaco")
    await page.get_by_label("Region").fill("UK")
    await name.fill("Acorn Dental?")
    await name.press("Enter")
    await expect(page.get_by_text("did you mean America/Chicago?")).to_be_visible()
    await expect(page.get_by_text("did you mean GB?")).to_be_visible()
    await expect(page.get_by_label("Time zone")).to_be_focused()
    await expect(name).to_have_value("Acorn Dental?")
    assert await barriers(page, axe) == []
    assert (await Practice.get(id=server.office.practice.id)).name == "Maple Dental"
    await page.get_by_label("Time zone").fill("America/New_York")
    await page.get_by_label("Region").fill("us")
    await page.get_by_role("button", name="Save").click()
    await expect(agent.page.locator("#practice-name")).to_have_text("Acorn Dental?")
    await expect(page.locator("#practice-name")).to_have_text("Acorn Dental?")


async def test_a_queue_is_made_changed_and_archived_by_keyboard(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    await server.office.make_task()
    agent = await sign_in()
    await expect(agent.rows).to_have_count(1)
    page = (await sign_in("admin")).page
    await open_queues(page)
    assert await barriers(page, axe) == []
    await page.get_by_role("button", name="Add a queue").press("Enter")
    await page.keyboard.type("Overdue recall")
    await page.get_by_label("Follow-up ladder").fill("7, 1")
    await page.get_by_label("Script for the caller").fill("## Hello\nAsk **when**.")
    await expect(page.locator("#settings .script strong")).to_have_text("when")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_text("Another queue is called")).to_be_visible()
    await expect(page.get_by_text("increasing numbers of days")).to_be_visible()
    assert await barriers(page, axe) == []
    await page.get_by_label("Name", exact=True).fill("Plans")
    await page.get_by_label("Follow-up ladder").fill("1, 7")
    await page.keyboard.press("Enter")
    await expect(listed(page)).to_have_text(["Overdue recall", "Missed appointments", "Plans"])
    await expect(agent.queue("Plans")).to_be_visible()
    up = of_queue(page, "Move up", "Plans")
    await up.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="2 of 3")).to_be_attached()
    await expect(up).to_be_focused()
    await up.press("Enter")
    await expect(listed(page)).to_have_text(["Plans", "Overdue recall", "Missed appointments"])
    await expect(of_queue(page, "Move down", "Plans")).to_be_focused()
    await of_queue(page, "Archive", "Overdue recall").press("Enter")
    await page.get_by_label("What becomes of its open tasks (1)?").select_option(
        label="Move them to \u2068Plans\u2069"
    )
    await page.get_by_role("button", name="Archive", exact=True).press("Enter")
    await expect(listed(page)).to_have_text(["Plans", "Missed appointments"])
    await expect(agent.queue("Overdue recall")).to_have_count(0)
    await expect(agent.row("Amber Testwell", "Plans")).to_have_count(1)
    await page.get_by_text("Archived queues").press("Enter")
    await of_queue(page, "Bring back", "Overdue recall").press("Enter")
    await expect(listed(page)).to_have_count(3)
    await agent.open("Amber Testwell")
    await expect(agent.dialog.get_by_role("heading", name="Hello")).to_be_visible()


async def test_a_queue_is_dragged_to_its_place_unless_the_drag_is_cancelled(
    server: Server, sign_in: SignIn
) -> None:
    page = (await sign_in("admin")).page
    await open_queues(page)
    items = page.locator(".queue-list > li")
    await items.nth(1).hover(position={"x": 60, "y": 20})
    await page.mouse.down()
    await items.nth(0).hover(position={"x": 60, "y": 4})
    await items.nth(0).hover(position={"x": 60, "y": 6})
    await expect(listed(page)).to_have_text(["Missed appointments", "Overdue recall"])
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(listed(page)).to_have_text(["Overdue recall", "Missed appointments"])
    assert (await Practice.get(id=server.office.practice.id)).settings == 0
    await items.nth(1).drag_to(items.nth(0), target_position={"x": 60, "y": 4})
    await expect(page.get_by_role("status").filter(has_text="1 of 2")).to_be_attached()
    await expect(listed(page)).to_have_text(["Missed appointments", "Overdue recall"])
    queues = await Queue.filter(practice_id=server.office.practice.id).order_by("position")
    assert [queue.name for queue in queues] == ["Missed appointments", "Overdue recall"]


async def test_neither_practice_nor_queues_have_a_barrier_on_a_phone(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    await archive_queue(server.office.changes, server.office.admin, server.office.missed.id)
    viewport = {"width": 390, "height": 844}
    page = (await sign_in("admin", viewport=viewport)).page
    await page.get_by_role("link", name="Settings").press("Enter")
    await expect(page.get_by_label("Region")).to_have_value("US")
    assert await barriers_by_day_and_night(page, axe) == []
    await page.get_by_role("link", name="Queues").press("Enter")
    await page.get_by_text("Archived queues").press("Enter")
    await of_queue(page, "Archive", "Overdue recall").press("Enter")
    assert await barriers_by_day_and_night(page, axe) == []
    await page.get_by_role("button", name="Archive", exact=True).press("Enter")
    await expect(page.get_by_text("It is the practice's only queue.")).to_be_visible()
    await page.get_by_role("button", name="Cancel").press("Enter")
    await expect(of_queue(page, "Change", "Overdue recall")).to_be_focused()
    assert await page.evaluate(FITS)


async def test_what_another_admin_changes_is_seen_and_what_is_typed_stays(
    server: Server, sign_in: SignIn
) -> None:
    page = (await sign_in("admin")).page
    await open_queues(page)
    await changed(server, CREATE, name="Plans")
    await expect(listed(page)).to_have_count(3)
    await of_queue(page, "Change", "Plans").click()
    await page.get_by_label("Name", exact=True).fill("Treatment plans")
    recall = global_id("Queue", server.office.recall.id)
    await changed(server, UPDATE, id=recall, name="Recall")
    await page.get_by_role("link", name="Practice").click()
    await expect(page.get_by_label("Region")).to_be_visible()
    await page.get_by_role("link", name="Queues").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Treatment plans")
    await page.get_by_role("button", name="Save").click()
    await expect(listed(page)).to_have_text(["Recall", "Missed appointments", "Treatment plans"])


async def test_a_script_has_no_markup_of_its_own(server: Server, sign_in: SignIn) -> None:
    await Queue.filter(id=server.office.recall.id).update(
        script="<b>Hi</b> [site](https://x.example) [no](javascript:alert(1))\n- one\n- two"
    )
    await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    script = agent.dialog.locator(".script")
    await expect(script.locator("li")).to_have_text(["one", "two"])
    await expect(script).to_contain_text("<b>Hi</b>")
    await expect(script.locator("a")).to_have_count(1)
    await expect(script.locator("a")).to_have_attribute("href", "https://x.example")


async def test_what_is_typed_while_an_answer_is_on_its_way_stays(
    server: Server, sign_in: SignIn
) -> None:
    page = (await sign_in("admin")).page
    await page.get_by_role("link", name="Settings").click()
    rest = page.get_by_label("Rest after a call")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Maple Dental")
    await page.get_by_role("link", name="Queues").click()
    await expect(listed(page)).to_have_count(2)
    asked, may_go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if "restHours" in (route.request.post_data or ""):
            asked.set()
            await may_go_on.wait()
        await route.continue_()

    await page.route("**/graphql", hold)
    await page.get_by_role("link", name="Practice", exact=True).click()
    await asked.wait()
    await rest.fill("24")
    async with page.expect_response(lambda r: "restHours" in (r.request.post_data or "")):
        may_go_on.set()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("Saved.")
    await server.office.practice.refresh_from_db()
    assert server.office.practice.rest_hours == 24

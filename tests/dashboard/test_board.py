"""The board: counts, outcomes, changes and staff, as they happen."""

import pytest
from playwright.async_api import expect

from models.lifecycle import ContactOutcome
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_tasks import CLAIM, log
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_supervisor_watches_the_work(server: Server, sign_in: SignIn) -> None:
    office = server.office
    first, second = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    await office.make_task(office.missed)
    done = await office.make_task(office.missed, patient=office.patients[2])
    await office.log(done, ContactOutcome.SCHEDULED, close=True)
    board = await sign_in("supervisor")
    page = board.page
    await page.get_by_role("link", name="Board").click()
    recall = page.locator("#board-counts tr", has_text="Overdue recall").locator("td")
    await expect(recall).to_have_text(["2", "2", "0", "0", "0", "0", "0"])
    await expect(page.locator("#board-total td")).to_have_text(["3", "3", "0", "0", "0", "1", "0"])
    chart = page.locator("#chart")
    await expect(chart).to_have_attribute(
        "aria-label",
        r"Contacts today: No Answer 0, Left Message 0, Did Not Schedule 0, Scheduled 1.",
    )
    await server.data(CLAIM, id=task_id(first))
    await expect(page.locator("#staff")).to_contain_text("Staff of maple")
    await expect(page.locator("#ticker li").first).to_contain_text("Claimed")
    await log(server, second)
    await expect(recall).to_have_text(["2", "1", "1", "0", "0", "0", "0"])
    newest = page.locator("#ticker li").first
    await expect(newest).to_contain_text("No Answer, call again")
    await expect(newest).to_contain_text("Birch Testwell")
    await expect(newest).to_contain_text("Staff of maple")
    await expect(chart.locator(".value")).to_have_text(["1", "0", "0", "1"])
    await page.get_by_text("By the hour").click()
    await expect(page.locator("#hours tr").last).to_have_text("Today10012", use_inner_text=False)
    await expect(page.locator("#board-state")).to_have_text("Live")
    await expect(page.locator("#board-age")).to_contain_text("updated")


async def test_an_agent_sees_the_board_without_the_figures(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    agent = await sign_in()
    await agent.page.get_by_role("link", name="Board").click()
    await expect(agent.page.locator("#board-total td").first).to_have_text("1")
    await expect(agent.page.get_by_text("Only supervisors can see these figures.")).to_be_visible()
    await expect(agent.page.locator("#chart")).to_be_hidden()


async def test_the_last_changes_have_room_on_a_phone(server: Server, sign_in: SignIn) -> None:
    first, second = [await server.office.make_task(patient=p) for p in server.office.patients[:2]]
    board = await sign_in("supervisor", viewport={"width": 390, "height": 844})
    await board.page.get_by_role("link", name="Board").click()
    await log(server, first)
    await log(server, second)
    changes = board.page.locator(".changes")
    await expect(changes.locator("li")).to_have_count(2)
    is_whole = "element => element.scrollHeight <= element.clientHeight"
    assert await changes.evaluate(is_whole)
    assert await changes.locator("#ticker").evaluate(is_whole)
    await changes.locator("li").last.scroll_into_view_if_needed()
    await expect(changes.locator("li").last).to_be_in_viewport(ratio=1)


async def test_the_choice_of_dark_or_light_stays(server: Server, sign_in: SignIn) -> None:
    agent = await sign_in(color_scheme="dark")
    root = agent.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await agent.page.get_by_role("button", name="Dark or light").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await agent.page.reload()
    await expect(root).to_have_attribute("data-theme", "light")

"""A group of practices: its supervisor signs in once, and goes from one to another."""

import asyncio
from contextlib import suppress

import pytest
from playwright.async_api import Error, Route, expect

from models.lifecycle import ContactOutcome
from tests.dashboard.conftest import Oversee, SignIn
from tests.dashboard.groups import (
    NAME,
    Group,
    is_at,
    is_only_at,
    open_board,
    switch,
    switcher,
)
from tests.dashboard.test_outside import title
from tests.serving import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAST_CONTACT = "{ tasks(first: 1) { nodes { lastContact { loggedBy { name } } } } }"


async def test_the_menu_leads_to_another_practice_and_back(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    await is_at(dashboard, "Maple Dental")
    await switcher(page).focus()
    await page.keyboard.press("Enter")
    links = page.get_by_role("list", name="Practices").get_by_role("link")
    await expect(links).to_have_text(["Elm Dental", "Maple Dental", "Oak Dental"])
    await expect(links.first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(switcher(page)).to_be_focused()
    await expect(links.first).to_be_hidden()
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowUp")
    await expect(links.last).to_be_focused()
    await page.keyboard.press("Enter")
    await is_at(dashboard, "Oak Dental")
    assert page.url.endswith("/?practice=oak#/tasks")
    await expect(page).to_have_title(
        title("Open", "All queues", "\u2068Oak Dental\u2069", "Callboard")
    )
    await expect(page.locator("#who")).to_have_text(f"{NAME} (Forest Dental Group), supervisor")
    await page.reload()
    await is_at(dashboard, "Oak Dental")
    await page.go_back()
    await is_at(dashboard, "Maple Dental")
    await page.go_forward()
    await is_at(dashboard, "Oak Dental")
    await page.get_by_role("link", name="Board").click()
    await switcher(page).click()
    await page.get_by_role("link", name="Elm Dental").click()
    await expect(page.locator("#board-total td").first).to_have_text("1")
    assert page.url.endswith("/?practice=elm#/board")


async def test_nothing_of_one_practice_is_on_the_page_of_another(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    await dashboard.open("Cleaning at maple")
    await dashboard.write("Typed at home.")
    await page.keyboard.press("Escape")
    await page.get_by_label("Search").fill("Amber")
    for name in ("Oak Dental", "Elm Dental", "Maple Dental", "Oak Dental", "Maple Dental"):
        await switch(dashboard, name)
        await is_only_at(dashboard, name.split(maxsplit=1)[0].lower())
        await expect(page.get_by_label("Search")).to_have_value("")
        await dashboard.row("Amber").click()
        typed = "Typed at home." if name == "Maple Dental" else ""
        await expect(page.get_by_label("Notes")).to_have_value(typed)
        await expect(dashboard.row("Amber")).to_contain_text("With you")
        await page.keyboard.press("Escape")
        await expect(dashboard.dialog).to_be_hidden()


async def test_a_claim_is_given_back_where_it_was_taken(group: Group, oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    await switch(dashboard, "Oak Dental")
    await dashboard.open("Cleaning at oak")
    await page.goto(f"{group.server.url}/")
    await is_at(dashboard, "Maple Dental")
    claims = "{ tasks(first: 5) { nodes { claim { id } } } }"
    async with page.expect_request("**/session"):
        await switch(dashboard, "Oak Dental")
    found = await group.at("oak").data(claims)
    assert found == {"tasks": {"nodes": [{"claim": None}]}}


async def test_a_late_answer_is_not_drawn_on_the_other_page(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    held: asyncio.Queue[Route] = asyncio.Queue()

    async def hold(route: Route) -> None:
        is_at_home = "x-callboard-practice" not in route.request.headers
        if is_at_home and "tasks(filter" in (route.request.post_data or ""):
            held.put_nowait(route)
        else:
            await route.continue_()

    await page.route("**/graphql", hold)
    await page.get_by_label("Status", exact=True).select_option("CLOSED")
    late = await asyncio.wait_for(held.get(), PATIENCE)
    await switch(dashboard, "Elm Dental")
    with suppress(Error):  # the page that has asked is gone
        await late.continue_()
    await page.get_by_label("Search").fill("Amber")
    await is_at(dashboard, "Elm Dental")
    await is_only_at(dashboard, "elm")


async def test_each_tab_has_a_practice_of_its_own(group: Group, oversee: Oversee) -> None:
    dashboard = await oversee()
    tab = await dashboard.tab()
    await tab.load("/?practice=elm")
    await is_at(tab, "Elm Dental")
    await is_at(dashboard, "Maple Dental")
    for slug, visit in (("maple", dashboard), ("elm", tab)):
        office = group.offices[slug]
        await office.make_task(patient=office.patients[1], reason=f"Called back at {slug}")
        # A frozen clock and no bell of its own: the server finds it by itself.
        await expect(visit.row(f"Called back at {slug}")).to_be_visible()
        await is_only_at(visit, slug)


async def test_a_guest_logs_a_contact_in_their_own_name(group: Group, oversee: Oversee) -> None:
    dashboard = await oversee()
    await switch(dashboard, "Oak Dental")
    await dashboard.open("Cleaning at oak")
    await dashboard.choose("No Answer")
    await dashboard.set_date(group.offices["oak"].today)
    await dashboard.log.click()
    await expect(dashboard.row("Cleaning at oak")).to_contain_text("1 attempt")
    found = await group.at("oak").data(
        "{ tasks(first: 1) { nodes { lastContact { loggedBy { name } } } } }"
    )
    [task] = found["tasks"]["nodes"]
    assert task["lastContact"]["loggedBy"]["name"] == f"{NAME} (Forest Dental Group)"


async def test_signing_out_in_one_tab_ends_all(group: Group, oversee: Oversee) -> None:
    await group.offices["maple"].log(
        await group.offices["maple"].make_task(), ContactOutcome.LEFT_MESSAGE
    )
    dashboard = await oversee()
    tabs = [await dashboard.tab() for _ in range(2)]
    await tabs[0].load("/?practice=oak")
    await tabs[1].load("/?practice=elm")
    await is_at(tabs[0], "Oak Dental")
    await is_at(tabs[1], "Elm Dental")
    await open_board(dashboard)
    await tabs[0].page.get_by_role("button", name="Sign out").click()
    await expect(tabs[0].page.get_by_role("alert")).to_have_text("You are signed out.")
    for visit in (dashboard, tabs[1]):
        await expect(visit.page.locator("#sign-in-error")).to_contain_text("has ended")
    for visit in (dashboard, *tabs):
        content = await visit.page.content()
        assert not [word for word in ("Dental", "Testwell", NAME) if word in content]
        await visit.page.reload()
        await expect(visit.page.get_by_label("Key", exact=True)).to_be_visible()


async def test_another_who_signs_in_ends_the_visit(group: Group, oversee: Oversee) -> None:
    dashboard = await oversee()
    tab = await dashboard.tab()
    await tab.load("/?practice=oak")
    await is_at(tab, "Oak Dental")
    await dashboard.page.get_by_role("button", name="Sign out").click()
    await dashboard.enter(group.server.office.keys["staff"])
    await expect(tab.page.locator("#sign-in-error")).to_contain_text("ended")
    await tab.page.reload()
    await tab.is_live()
    await expect(tab.page.locator("#toast")).to_contain_text("You may not look into that practice")
    await expect(tab.page.locator("#who")).to_have_text("Staff of maple, staff")


async def test_nobody_else_has_a_menu_or_a_board_of_the_group(
    group: Group, sign_in: SignIn
) -> None:
    dashboard = await sign_in("supervisor")
    page = dashboard.page
    for path in ("/#/group", "/?practice=oak#/group"):
        await dashboard.load(path)
        await dashboard.is_live()
        await expect(dashboard.row("Cleaning at maple")).to_be_visible()
        await expect(page.get_by_role("link", name="Group", exact=True)).to_be_hidden()
        await expect(switcher(page)).to_be_hidden()
        await expect(page.locator("#group")).to_be_hidden()
    assert page.url == f"{group.server.url}/"


async def test_ones_account_is_that_at_home(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    for view in ("account", "group"):
        await dashboard.load(f"/?practice=oak#/{view}")
        await is_at(dashboard, "Oak Dental")
    await page.locator("#who").click()
    await expect(page.locator("#last-sign-in")).to_contain_text(f"You are signed in as {NAME}.")
    await expect(switcher(page)).to_have_text("Practice: Maple Dental ▾")

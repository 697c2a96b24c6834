"""The group's board: all practices side by side, live while it is shown."""

import asyncio
import json

import pytest
from playwright.async_api import Page, Route, WebSocket, WebSocketRoute, expect

from tests.dashboard.conftest import Oversee
from tests.dashboard.groups import (
    Group,
    board,
    forgive,
    is_at,
    is_only_at,
    open_board,
    switcher,
)
from tests.dashboard.test_page import CUT_OFF, FITS, OVERLAPS, barriers_by_day_and_night
from tests.dashboard.test_tasks import log
from tests.serving import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = [(1280, 800), (390, 844)]
DASH = "\u2013"
"""Stands where no figure is known."""


def sockets_of(page: Page) -> list[WebSocket]:
    """Those that the page opens from here on."""
    sockets: list[WebSocket] = []

    def opened(socket: WebSocket) -> None:
        sockets.append(socket)

    page.on("websocket", opened)
    return sockets


async def test_the_board_follows_all_practices_while_it_is_shown(
    group: Group, oversee: Oversee
) -> None:
    dashboard = await oversee()
    sockets = sockets_of(dashboard.page)
    page = await open_board(dashboard)
    await expect(page.get_by_role("heading", level=1, name="Forest Dental Group")).to_be_visible()
    assert len(sockets) == 3
    everything = board(page, "All practices").locator("td")
    await expect(everything).to_have_text(["3", "3", "0", "0", "0", "0", "0"])
    today = board(page, "All practices", "Contacts today").locator("td")
    await expect(today).to_have_text(["0", "0", "0", "0", "0"])
    for slug in ("elm", "oak"):
        office = group.offices[slug]
        task = await office.make_task(patient=office.patients[1], reason="Asked for a call")
        await log(group.at(slug), task, outcome="LEFT_MESSAGE")
        line = board(page, f"{slug.title()} Dental").locator("td")
        await expect(line).to_have_text(["2", "1", "1", "0", "0", "0", "0"])
        done = board(page, f"{slug.title()} Dental", "Contacts today").locator("td")
        await expect(done).to_have_text(["0", "1", "0", "0", "1"])
    await expect(everything).to_have_text(["5", "3", "2", "0", "0", "0", "0"])
    await expect(today).to_have_text(["0", "2", "0", "0", "2"])
    await expect(board(page, "Maple Dental").locator("td").first).to_have_text("1")
    assert "Testwell" not in await page.locator("#group").inner_text()
    await page.get_by_role("link", name="Board", exact=True).click()
    await expect(page.locator("#group")).to_be_empty(timeout=1_000)
    assert [socket.is_closed() for socket in sockets] == [True, True, True]


async def test_the_practices_on_the_board_lead_to_their_pages(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = await open_board(dashboard)
    await page.get_by_role("region", name="Practices now").get_by_role("link", name="Oak").click()
    await expect(page.locator("#board-total td").first).to_have_text("1")
    await expect(switcher(page)).to_have_text("Practice: Oak Dental ▾")
    await page.get_by_role("link", name="Group", exact=True).click()
    await expect(board(page, "Oak Dental")).to_contain_text("Live")
    await expect(switcher(page)).to_have_text("Practice: Maple Dental ▾")


async def test_one_practice_that_is_lost_does_not_disturb_the_others(
    group: Group, oversee: Oversee
) -> None:
    dashboard = await oversee()
    page = dashboard.page
    lost: list[WebSocketRoute] = []
    isolated = False

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def heard(message: str | bytes) -> None:
            told = json.loads(message)
            is_oak = told["type"] == "connection_init" and told["payload"]["practice"] == oak
            if is_oak:
                lost.append(socket)
            if not (is_oak and isolated):
                server.send(message)

        socket.on_message(heard)

    names = "{ viewer { group { practices { id slug } } } }"
    answer = await page.evaluate(
        "async (query) => (await import('/dashboard/api.js')).graphql(query)", names
    )
    oak = next(p["id"] for p in answer["viewer"]["group"]["practices"] if p["slug"] == "oak")
    await page.route_web_socket("**/graphql", pass_on)
    await open_board(dashboard)
    assert len(lost) == 1
    isolated = True
    await lost[0].close(code=1012)
    await expect(board(page, "Oak Dental")).to_contain_text("Connection lost, as of")
    await expect(page.get_by_role("status").filter(has_text="practices")).to_contain_text(
        "1 not connected"
    )
    await expect(board(page, "Oak Dental").locator("td").first).to_have_text("1")
    for slug in ("maple", "elm"):
        office = group.offices[slug]
        await office.log(await office.make_task(patient=office.patients[1]))
        await expect(board(page, f"{slug.title()} Dental")).to_contain_text("Live")
        await expect(board(page, f"{slug.title()} Dental").locator("td").first).to_have_text("2")
    isolated = False
    await expect(board(page, "Oak Dental")).to_contain_text("Live")


async def test_a_practice_that_leaves_the_group_is_said_to_be_closed(
    group: Group, oversee: Oversee
) -> None:
    dashboard = await oversee()
    tab = await dashboard.tab()
    await tab.load("/?practice=oak")
    await is_at(tab, "Oak Dental")
    page = await open_board(dashboard)
    await group.remove("oak")
    await expect(board(page, "Oak Dental")).to_contain_text("You may no longer look into")
    await expect(board(page, "Oak Dental").locator("td")).to_have_text([DASH] * 7)
    await expect(board(page, "Oak Dental").get_by_role("link")).to_have_count(0)
    for name in ("Maple Dental", "Elm Dental"):
        await expect(board(page, name)).to_contain_text("Live")
    # Who was on its page is at home again, where nothing of it is.
    await is_at(tab, "Maple Dental")
    await expect(tab.page.locator("#toast")).to_contain_text("You may not look into that practice")
    await is_only_at(tab, "maple")
    await expect(switcher(tab.page)).to_be_visible()
    await page.reload()
    await expect(board(page, "Elm Dental")).to_contain_text("Live")
    await expect(board(page, "Oak Dental")).to_have_count(0)
    forgive(dashboard, "403 (Forbidden)")


async def test_what_comes_after_the_board_was_left_is_not_drawn(oversee: Oversee) -> None:
    dashboard = await oversee()
    page = dashboard.page
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/visits", held.put)
    sockets = sockets_of(page)
    await page.get_by_role("link", name="Group", exact=True).click()
    late = [await asyncio.wait_for(held.get(), PATIENCE) for _ in range(2)]
    await expect(board(page, "Maple Dental")).to_contain_text("Live")
    await page.get_by_role("link", name="Tasks", exact=True).click()
    for route in late:
        async with page.expect_response("**/visits"):
            await route.continue_()
    await is_at(dashboard, "Maple Dental")
    await expect(page.locator("#group")).to_be_empty()
    assert len(sockets) == 1


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_the_menu_and_the_board_have_no_barrier_and_room(
    oversee: Oversee, axe: str, width: int, height: int
) -> None:
    dashboard = await oversee(viewport={"width": width, "height": height})
    page = dashboard.page
    await switcher(page).click()
    await expect(page.get_by_role("link", name="Oak Dental", exact=True)).to_be_in_viewport(ratio=1)
    assert await barriers_by_day_and_night(page, axe) == []
    await page.keyboard.press("Escape")
    assert await page.evaluate(OVERLAPS) == []
    await open_board(dashboard)
    assert await barriers_by_day_and_night(page, axe) == []
    assert await page.evaluate(CUT_OFF) == []
    assert await page.evaluate(FITS)
    assert await page.evaluate(OVERLAPS) == []

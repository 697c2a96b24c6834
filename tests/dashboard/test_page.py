"""The page as such: small, from this server alone, without barriers, and nothing cut off."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from models.practice import Queue
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_tasks import CLAIM
from tests.dashboard.visits import visiting
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIGHT_AND_DARK = pytest.mark.parametrize("color_scheme", ["light", "dark"])
SIZES = [(1280, 800), (3840, 2160), (390, 844), (320, 640)]

CUT_OFF = """() => [...document.querySelectorAll('h2, button, label, th, td, .row b, .row i')]
  .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
    && getComputedStyle(e).display !== 'inline' && getComputedStyle(e).overflowX !== 'visible')
  .map((e) => e.textContent)"""


FITS = """[document.documentElement.scrollWidth, document.documentElement.scrollHeight].join()
  === [innerWidth, innerHeight].join()"""


async def test_while_nothing_is_open_time_passes_without_an_error(sign_in: SignIn) -> None:
    dashboard = await sign_in()  # at whose end no page may have told of an error
    await dashboard.page.clock.install()
    await dashboard.load()
    await dashboard.is_live()
    await dashboard.page.clock.run_for(61_000)
    await expect(dashboard.page.locator("#grid")).to_be_visible()


async def barriers(page: Page, axe: str) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and good practice."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def barriers_by_day_and_night(page: Page, axe: str) -> list[str]:
    """The same, in light and in dark."""
    found = []
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        await expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        found += await barriers(page, axe)
    return found


@LIGHT_AND_DARK
async def test_no_view_has_a_barrier(
    server: Server, browser: Browser, axe: str, color_scheme: str
) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, follow_up=office.today)
    taken = await office.make_task(office.missed, patient=office.patients[1])
    await server.data(CLAIM, "supervisor", id=task_id(taken))
    async with visiting(browser, server.url) as visit:
        dashboard = await visit(color_scheme=color_scheme)
        page = dashboard.page
        await dashboard.type_key("nonsense")
        await expect(page.get_by_role("alert")).to_contain_text("not valid")
        assert await barriers(page, axe) == []
        await dashboard.enter(office.keys["supervisor"])
        await expect(dashboard.rows).to_have_count(2)
        await page.keyboard.press("j")
        assert await barriers(page, axe) == []
        await page.keyboard.press("?")
        assert await barriers(page, axe) == []
        await page.keyboard.press("Escape")
        await dashboard.open("Amber Testwell")
        await dashboard.choose("Did Not Schedule")
        assert await barriers(page, axe) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Board").click()
        await expect(page.locator("#chart .value").first).to_be_visible()
        await page.get_by_text("By the hour").click()
        assert await barriers(page, axe) == []
        await page.evaluate("dispatchEvent(new Event('offline'))")
        await expect(page.locator("#lost")).to_be_visible()
        assert await barriers(page, axe) == []


async def test_a_page_weighs_less_than_100_kb_and_comes_from_here_alone(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    agent = await sign_in()
    await expect(agent.rows).to_have_count(1)
    await agent.page.get_by_role("link", name="Board").click()
    session = await agent.page.context.new_cdp_session(agent.page)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    agent.requests.clear()
    await agent.page.reload()
    await agent.is_live()
    await expect(agent.page.locator("#board-total td").first).to_have_text("1")
    assert len(sizes) > 10
    assert sum(sizes) < 100_000
    assert all(url.startswith(server.url) for url in agent.requests)


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_nothing_is_cut_off(server: Server, sign_in: SignIn, width: int, height: int) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, follow_up=office.today)
    await office.make_task(patient=office.patients[1])
    await Queue.bulk_create(
        Queue(
            practice_id=office.practice.id,
            name=f"Treatment plans presented but never scheduled, {place}",
            position=2 + place,
            created_at=office.clock(),
        )
        for place in range(28)
    )
    agent = await sign_in("supervisor", viewport={"width": width, "height": height})
    page = agent.page
    await expect(agent.rows).to_have_count(2)
    assert await page.evaluate(CUT_OFF) == []
    assert await page.evaluate(FITS)
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await expect(agent.log_and_close).to_be_in_viewport()
    assert await page.evaluate(CUT_OFF) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Board").click()
    await expect(page.locator("#chart .value").first).to_be_visible()
    assert await page.evaluate(CUT_OFF) == []
    assert await page.evaluate(FITS)


OVERLAPS = """() => {
  const parts = [...document.querySelectorAll('header > :not(nav), header nav a')]
    .filter((e) => e.checkVisibility())
    .map((e) => [e.textContent.trim(), e.getBoundingClientRect()]);
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return parts.flatMap(([a, one], i) =>
    parts.slice(i + 1).filter(([, two]) => meet(one, two)).map(([b]) => `${a} / ${b}`));
}"""


async def test_an_admins_five_views_have_room_on_a_phone(sign_in: SignIn) -> None:
    page = (await sign_in("admin", viewport={"width": 390, "height": 844})).page
    await expect(page.locator("#to-settings")).to_be_visible()
    for width in (390, 320, 760):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate(OVERLAPS) == []
        assert await page.evaluate(FITS)


async def test_printed_all_rows_are_there(server: Server, sign_in: SignIn) -> None:
    for number in range(60):
        await server.office.make_task(reason=f"Number {number}")
    agent = await sign_in()
    await expect(agent.page.locator("#note")).to_have_text("60 tasks")
    assert await agent.rows.count() < 60
    await agent.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await expect(agent.rows).to_have_count(60)


SEARCH_FOR_HALF_A_CHARACTER = """async () => {
  const { graphql } = await import('/dashboard/api.js');
  const query = 'query ($x: String) { tasks(filter: { patient: $x }) { nodes { id } } }';
  return graphql(query, { x: 'ab\\ud83d' });
}"""


async def test_half_a_character_is_sent_as_a_whole_one(sign_in: SignIn) -> None:
    agent = await sign_in()
    found = await agent.page.evaluate(SEARCH_FOR_HALF_A_CHARACTER)
    assert found == {"tasks": {"nodes": []}}

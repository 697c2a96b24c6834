"""What comes from outside: text that turns what follows it around, and clocks that are wrong."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

import gql_app.web
from models.practice import Queue
from tests.dashboard.conftest import SignIn
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER = Path(gql_app.web.__file__).parent / "dashboard"
FILES = sorted(FOLDER.glob("**/*.js"))
SOURCES = {
    "/".join(file.parts[file.parts.index("dashboard") + 1 :]): file.read_text() for file in FILES
}
DASH = " \u2013 "  # between the parts of a title

TURNED = "Ze\u202edocrev\u202cx"
ENDS_IT = "Ends\u2069it"


def title(*parts: str) -> str:
    return DASH.join(parts)


OFF = """
const Right = Date;
window.off = %d;
window.Date = class extends Right {
  constructor(...given) { super(...(given.length ? given : [Right.now() + window.off])); }
  static now() { return Right.now() + window.off; }
};
"""
"""A client's clock that is so many ms ahead, until that is changed."""


@pytest.mark.parametrize("name", SOURCES)
async def test_the_clients_clock_is_not_asked_and_text_has_one_door(name: str) -> None:
    text = SOURCES[name]
    assert re.findall(r"Date\.now|new Date\(\)|\bDate\(\)|\.format\(\)", text) == []
    if name != "text.js":
        doors = r"(?:textContent|innerText|innerHTML|outerHTML|nodeValue)\s*\+?=[^=]"
        doors += r"|insertAdjacent|createTextNode|document\.write"
        assert re.findall(doors, text) == []


async def test_text_from_outside_is_isolated_wherever_it_is_shown(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    for patient, name in zip(office.patients, (TURNED, ENDS_IT), strict=False):
        patient.name = name
        await patient.save()
        await office.make_task(patient=patient, reason=f"{name} reason")
    await Queue.filter(id=office.recall.id).update(name=f"{TURNED} queue")
    agent = await sign_in()
    page = agent.page
    row = agent.row(f"{TURNED} reason")
    for part, text in (("patient", TURNED), ("reason", f"{TURNED} reason")):
        await expect(row.locator(f"[data-part={part}] > bdi")).to_have_text(text)
    await expect(row).to_have_attribute(
        "title", f"\u2068{TURNED}\u2069: \u2068{TURNED} reason\u2069"
    )
    await expect(agent.row("Endsit reason")).to_have_attribute(
        "title", "\u2068Endsit\u2069: \u2068Endsit reason\u2069"
    )
    await page.locator(".queues button bdi").first.click()
    await expect(page).to_have_title(title("Open", f"\u2068{TURNED} queue\u2069", "Callboard"))
    await row.click()
    await expect(agent.dialog.locator("h2 > bdi")).to_have_text(TURNED)
    await agent.choose("Scheduled")
    await agent.log_and_close.click()
    toast = page.locator("#toast")
    await expect(toast).to_have_text(f"{TURNED}: Scheduled, closed.")
    await expect(toast.locator("bdi")).to_have_text(TURNED)


async def test_a_client_whose_clock_is_a_day_ahead_shows_the_practices_days(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    for days, patient in zip((0, 1), office.patients, strict=False):
        await office.make_task(patient=patient, follow_up=office.today + timedelta(days=days))
    tab = await (await sign_in()).tab()
    page = tab.page
    await page.add_init_script(OFF % 86_400_000)
    await tab.load()
    await tab.is_live()
    assert await page.evaluate("new Date() - performance.timeOrigin") > 86_000_000
    await expect(tab.row("Amber Testwell")).to_contain_text("today")
    await expect(tab.row("Birch Testwell")).to_contain_text("tomorrow")
    await expect(page.locator("#grid .section")).to_have_text(["Today", "Later"])
    await expect(tab.queue("All queues")).not_to_contain_text("overdue")
    await page.get_by_label("Overdue only").check()
    await expect(page.locator("#note")).to_have_text("No tasks here.")
    await page.get_by_label("Overdue only").uncheck()
    await tab.open("Amber Testwell")
    await page.evaluate("window.off = -3_600_000")  # while it is open
    await tab.choose("No Answer")
    await page.get_by_role("button", name="Tomorrow").click()
    tomorrow = str(office.today + timedelta(days=1))
    await expect(page.get_by_label("Follow-up date")).to_have_value(tomorrow)
    await expect(page.get_by_label("Follow-up date")).to_have_attribute("min", str(office.today))
    await expect(page.locator("#age")).to_have_text(re.compile(r"updated \d+ s ago"))


async def test_the_page_says_what_is_looked_at_and_what_was_found(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task()
    await office.make_task(office.missed, patient=office.patients[1])
    agent = await sign_in()
    page = agent.page
    await expect(page).to_have_title(title("Open", "All queues", "Callboard"))
    await expect(page.locator("#grid")).to_be_focused()
    await agent.queue("Missed appointments").click()
    missed = "\u2068Missed appointments\u2069"
    result = page.locator("#result[role=status]")
    await expect(result).to_have_text("1 task")
    await expect(page).to_have_title(title("Open", missed, "Callboard"))
    await page.get_by_label("Overdue only").check()
    await expect(page).to_have_title(title("Overdue", missed, "Callboard"))
    await expect(result).to_have_text("No tasks here.")
    await page.get_by_role("link", name="Board").click()
    await expect(page).to_have_title(title("Board", "Callboard"))
    await page.evaluate("dispatchEvent(new Event('offline'))")
    await expect(page).to_have_title(title("Connection lost", "Board", "Callboard"))
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_title(title("Sign in", "Callboard"))

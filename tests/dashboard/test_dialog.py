"""The dialog of a contact: the patient's past, drafts, notices, dates, records, and its buttons."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from gql_app.schema.ids import global_id
from models.contact import Contact
from models.lifecycle import ContactOutcome
from models.people import Patient
from models.practice import Queue
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import RELEASE
from tests.dashboard.test_page import CUT_OFF, barriers
from tests.dashboard.test_tasks import AT_ONCE, CLAIM, REASSIGN, log
from tests.dashboard.visits import Visit, lose_the_answer
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = [(320, 400), (320, 200), (640, 200), (1280, 720), (3840, 2160)]
"""Also what is left of 640 by 400 at 200 %."""

STORED = "() => JSON.stringify([{...sessionStorage}, {...localStorage}])"
CLOCK = re.compile(r"^\d+:\d\d\s[AP]M$")
LONG_NAME = "Bartholomew-Maximilian Featherstonehaugh-Cholmondeley" * 3
UNBROKEN = "Cleaning" * 60


def part(visit: Visit, name: str) -> Locator:
    return visit.dialog.locator(f"[data-part={name}]")


async def move(server: Server, task: Task, queue: Queue) -> None:
    given = {"ids": [task_id(task)], "toQueueId": global_id("Queue", queue.id)}
    assert (await server.data(REASSIGN, "supervisor", input=given))["reassignTasks"]["changed"] == 1


async def test_the_patients_whole_past_is_shown_and_follows(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task, other = await office.make_task(), await office.make_task(office.missed, reason="No show")
    foreign = await office.make_task(patient=office.patients[1])
    week_ago = office.clock() - timedelta(days=7)
    for number in range(22):
        await office.log(other, notes=f"Call {number}", contacted_at=week_ago)
    await office.log(foreign, notes="Of somebody else")
    agent = await sign_in()
    await agent.open("Amber Testwell", "Cleaning overdue")
    history = part(agent, "history").locator("li")
    await expect(history).to_have_count(20)
    await expect(history.first).to_contain_text("Call 21")
    await expect(history.first).to_contain_text("For: No show · Missed appointments")
    await expect(part(agent, "others")).to_contain_text("No show")
    await expect(part(agent, "others")).not_to_contain_text("Cleaning overdue")
    await agent.page.get_by_role("button", name="Show earlier contacts").click()
    await expect(history).to_have_count(22)
    await expect(part(agent, "earlier")).to_be_hidden()
    await server.data(RELEASE, id=task_id(task))
    await log(server, other, "supervisor", outcome="LEFT_MESSAGE", notes="Just now")
    await expect(history.first).to_contain_text("Just now", timeout=2 * AT_ONCE)
    await log(server, task, "supervisor", outcome="LEFT_MESSAGE")
    await expect(history.first).not_to_contain_text("For:")
    await log(server, other, "supervisor", outcome="SCHEDULED", close=True, followUp=None)
    await expect(part(agent, "other-tasks")).to_be_hidden()
    await expect(agent.dialog).not_to_contain_text("Of somebody else")


async def test_a_draft_survives_reload_and_back(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    page, notes = agent.page, agent.page.get_by_label("Notes")
    await agent.open("Amber Testwell")
    await agent.choose("Left Message")
    await agent.set_date(server.office.today + timedelta(days=2))
    await agent.write("Half a thought")
    out_of_the_cache = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    for come_back in (page.reload, lambda: page.evaluate(out_of_the_cache)):
        async with page.expect_navigation():
            await come_back()
        await expect(notes).to_have_value("Half a thought")
        await expect(page.get_by_role("radio", name="Left Message")).to_be_checked()
        await expect(agent.row("Amber Testwell")).to_contain_text("With you")
    await page.go_back()
    await expect(agent.dialog).to_be_hidden()
    await expect(agent.row("Amber Testwell")).not_to_contain_text("With you")
    await page.go_forward()
    await expect(agent.dialog).to_be_visible()
    await expect(notes).to_have_value("Half a thought")
    await page.keyboard.press("Escape")
    await expect(agent.dialog).to_be_hidden()
    await expect(page).not_to_have_url(re.compile("#/tasks/"))
    await agent.open("Amber Testwell")
    await expect(notes).to_have_value("Half a thought")
    session, local = json.loads(await page.evaluate(STORED))
    assert "Half a thought" in str(session)
    assert "Half a thought" not in str(local)

    # It is logged once, though no answer came and the page was loaded anew.
    await page.route("**/graphql", lose_the_answer)
    await agent.log.click()
    await expect(part(agent, "errors")).to_contain_text("What you typed is kept; try again.")
    await page.unroute("**/graphql")
    await page.reload()
    await expect(notes).to_have_value("Half a thought")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    assert await Contact.filter(task_id=task.id).count() == 1
    assert "Half a thought" not in await page.evaluate(STORED)
    await agent.open("Amber Testwell")
    await agent.write("For nobody else")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    assert "callboard.draft" not in await page.evaluate(STORED)
    assert "Testwell" not in await page.content()
    assert await page.evaluate("document.getElementById('notes').value") == ""


async def test_a_notice_goes_when_it_is_no_longer_true(server: Server, sign_in: SignIn) -> None:
    office = server.office
    task = await office.make_task()
    agent = await sign_in()
    await server.data(CLAIM, "supervisor", id=task_id(task))
    row = agent.row("Amber Testwell")
    await expect(row).to_contain_text("With Supervisor")
    async with agent.page.expect_response(lambda r: "claimTask" in (r.request.post_data or "")):
        await row.click()
    errors, changes = part(agent, "errors"), part(agent, "changes")
    claim = part(agent, "claim")
    for place in (claim.locator("li"), agent.page.locator("#why-log")):
        await expect(place).to_have_text(
            re.compile(r"^Supervisor of maple has claimed this patient until \d+:\d\d\s[AP]M\.$")
        )
    await server.data(RELEASE, "supervisor", id=task_id(task))
    await expect(claim.locator("li")).to_have_text("Supervisor of maple has released it.")
    await agent.page.get_by_role("button", name="Claim again").click()
    await expect(claim).to_be_hidden()
    await expect(agent.row("Amber Testwell")).to_contain_text("With you")
    await server.data(RELEASE, id=task_id(task))  # no task is moved while somebody has claimed it
    await move(server, task, office.missed)
    await expect(changes).to_contain_text("Queue: Overdue recall → Missed appointments")
    await move(server, task, office.recall)
    await expect(changes).not_to_contain_text("Queue:")

    async def refuse(route: Route) -> None:
        error = {"code": "NOTES_REQUIRED", "message": "Say more in the notes.", "field": ["notes"]}
        late = {"code": "FOLLOW_UP_IN_PAST", "message": "2026-01-01", "field": ["followUp"]}
        answer = {"data": {"logContact": {"task": None, "errors": [error, late]}}}
        await route.fulfill(json=answer)

    await agent.choose("Left Message")
    await agent.set_date(office.today)
    await agent.page.route("**/graphql", refuse)
    await agent.log.click()
    await expect(errors).to_contain_text("Not logged. What you typed is kept.")
    await expect(changes).to_be_hidden()  # it was seen when it was sent
    await agent.write("More")
    await expect(errors).not_to_contain_text("Say more")
    await expect(errors).to_contain_text("The follow-up date is before today at the practice.")
    await agent.page.get_by_role("button", name="Tomorrow").click()
    await expect(errors).to_be_hidden()
    await agent.page.unroute("**/graphql")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    # What is said to all is said in the dialog that is open.
    await agent.open("Amber Testwell")
    await expect(agent.dialog.locator(".toast")).to_contain_text("Amber Testwell: Left Message")


async def test_a_date_is_dropped_visibly_and_comes_back(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await Queue.filter(practice_id=office.practice.id).update(follow_up_ladder="3,7")
    task, _ = await office.make_task(), await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    date, hint = agent.page.get_by_label("Follow-up date"), agent.page.locator("#date-hint")
    suggested, chosen = (str(office.today + timedelta(days=days)) for days in (3, 5))
    await agent.open("Amber Testwell")
    await agent.choose("No Answer")
    await expect(date).to_have_value(suggested)
    for day in (suggested, chosen):
        await agent.set_date(day)
        await agent.choose("Scheduled")
        await expect(date).to_be_disabled()
        await expect(date).to_have_value(day)
        await expect(hint).to_contain_text("is dropped: Scheduled closes the task.")
        await expect(agent.log_and_close).to_be_enabled()
        await agent.choose("Left Message")
        await expect(date).to_be_enabled()
        await expect(date).to_have_value(day)
        await expect(agent.log).to_be_enabled()
    await expect(agent.log_and_close).to_have_accessible_description(
        "The follow-up date is dropped."
    )
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    assert (await Contact.get(task_id=task.id)).follow_up is None
    # Notes are counted before they are sent, as the server counts them.
    await agent.open("Birch Testwell")
    await agent.choose("Scheduled")
    note = agent.page.locator("#notes-hint")
    await agent.write("\N{TOOTH}" * 10_000)
    await expect(note).to_have_text("10,000 of 10,000 characters.")
    await expect(agent.log_and_close).to_be_enabled()
    await agent.write("\N{TOOTH}" * 10_001)
    await expect(note).to_have_text("10,001 of 10,000 characters: 1 too many.")
    await expect(agent.log_and_close).to_be_disabled()
    await agent.write("\N{TOOTH}" * 10_000)
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()


async def test_the_dialog_of_a_closed_task_is_a_record(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    scheduled, withdrawn = [await office.make_task(patient=p) for p in office.patients[:2]]
    soon = office.clock() + timedelta(seconds=1)
    await office.make_task(patient=office.patients[2], expires_at=soon)
    await office.log(scheduled, notes="Asked for the dentist.")
    await office.log(scheduled, ContactOutcome.SCHEDULED, close=True, notes="Monday at nine.")
    withdraw = """mutation ($id: ID!) { withdrawTasks(input: {ids: [$id], reason: "Moved away"}) {
      changed } }"""
    await server.data(withdraw, "supervisor", id=task_id(withdrawn))
    agent = await sign_in()
    await agent.page.get_by_label("Status", exact=True).select_option("Closed")
    await expect(agent.row("Clover Testwell")).to_be_visible()
    told = {
        "Amber": ("By a contact", "Staff of maple", "Scheduled", "Monday at nine."),
        "Birch": ("Withdrawn: Moved away", "Supervisor of maple"),
        "Clover": ("Expired", "the clock"),
    }
    for name, texts in told.items():
        await agent.row(name).click()
        record = agent.dialog.get_by_role("region", name="How it ended")
        for text in ("Closed", *texts):
            await expect(record).to_contain_text(text)
        await expect(record.locator("dd").first).to_have_text(CLOCK)
        await expect(agent.dialog.locator(":disabled:visible")).to_have_count(0)
        await expect(agent.log_and_close).to_be_hidden()
        if name == "Amber":
            await expect(part(agent, "history")).to_contain_text("Asked for the dentist.")
            assert await barriers(agent.page, axe) == []
        await agent.page.get_by_role("button", name="Close", exact=True).click()
        await expect(agent.dialog).to_be_hidden()


async def buttons_in_view(page: Page) -> Any:
    """Which of the buttons cannot be seen, and what is cut off or wider than the page."""
    hidden = await page.evaluate(
        """() => ['log', 'close'].filter((name) => {
          const box = document.querySelector(`[data-part=${name}]`).getBoundingClientRect();
          const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return box.top < 0 || box.bottom > innerHeight || box.right > innerWidth
            || at?.dataset.part !== name;
        })"""
    )
    wide = await page.evaluate(
        """() => [...document.querySelectorAll('#contact, #contact .sheet, #contact section')]
          .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 60))"""
    )
    cut = await page.evaluate(CUT_OFF.replace("document", "document.querySelector('#contact')"))
    return hidden + wide + cut


async def test_the_buttons_stay_in_view_whatever_is_shown(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await Patient.filter(id=office.patients[0].id).update(name=LONG_NAME)
    task = await office.make_task(reason=UNBROKEN)
    other = await office.make_task(office.missed, reason=UNBROKEN)
    for number in range(12):
        await office.log(other, notes=("Long words. " * 800 if number % 2 else "x" * 9_000))
    agent = await sign_in()
    page = agent.page
    await agent.row(UNBROKEN[:20], "Overdue recall").click()
    await expect(part(agent, "history").locator("li")).to_have_count(12)
    await agent.choose("Did Not Schedule")
    await agent.write("Long words. " * 800)
    await page.get_by_label("Notes").evaluate("e => { e.style.height = '200rem'; }")
    await server.data(RELEASE, id=task_id(task))
    await move(server, task, office.missed)
    await expect(part(agent, "changes")).to_be_visible()
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        assert await buttons_in_view(page) == [], (width, height)
        await page.locator(".sheet").evaluate("e => e.scrollTo(0, e.scrollHeight)")
        assert await buttons_in_view(page) == [], (width, height)

"""Logging a contact: the two buttons, refusals, claims, and the keyboard alone."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, WebSocketRoute, expect

from models.practice import Queue
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_tasks import log
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELEASE = "mutation ($id: ID!) { releaseTask(taskId: $id) { errors { code } } }"
TASK = """query ($id: ID!) { task(id: $id) {
  status followUp version claim { by { name } } lastContact { outcome notes }
} }"""


async def tab_to(control: Locator) -> None:
    while not await control.evaluate("element => element === document.activeElement"):
        await control.page.keyboard.press("Tab")


async def test_the_buttons_are_enabled_as_the_workflow_says(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    expires_at = office.clock() + timedelta(days=10)
    await office.make_task(expires_at=expires_at)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    page = agent.page
    await expect(agent.log).to_be_disabled()
    await expect(agent.log_and_close).to_be_disabled()
    await expect(page.locator("#why-log")).to_have_text("Choose an outcome.")
    days = {
        None: "Set a follow-up date",
        office.today - timedelta(days=1): "before today",
        office.today: None,
        office.today + timedelta(days=30): "expires on",
    }
    for outcome in ("No Answer", "Left Message", "Did Not Schedule"):
        for notes in ("", "  ", "Moves in May."):
            for day, reason in days.items():
                await agent.choose(outcome)
                await agent.set_date(day or "")
                await agent.write(notes)
                needs_notes = outcome == "Did Not Schedule" and not notes.strip()
                why = reason or (needs_notes and "why the patient did not schedule")
                if why:
                    await expect(agent.log).to_be_disabled()
                    await expect(page.locator("#why-log")).to_contain_text(why)
                else:
                    await expect(agent.log).to_be_enabled()
                await expect(agent.log_and_close).to_be_enabled()
                dropped = "" if day is None else "The follow-up date is dropped."
                await expect(page.locator("#why-close")).to_have_text(dropped)
    await agent.choose("Scheduled")
    await expect(agent.log).to_be_disabled()
    await expect(page.locator("#why-log")).to_contain_text("Scheduled ends the task")
    await expect(agent.log_and_close).to_be_enabled()


async def test_log_contact_keeps_the_task_and_log_and_close_ends_it(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task = await office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Did Not Schedule")
    await agent.page.get_by_role("button", name="Tomorrow").click()
    await agent.write("Has to ask at work.")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(agent.page.locator("#toast")).to_contain_text("Did Not Schedule, call again")
    shown = (await server.data(TASK, id=task_id(task)))["task"]
    assert shown["status"] == "IN_PROGRESS"
    assert shown["followUp"] == str(office.today + timedelta(days=1))
    assert shown["lastContact"] == {
        "outcome": "DID_NOT_SCHEDULE",
        "notes": "Has to ask at work.",
    }
    await agent.open("Amber Testwell")
    await expect(agent.dialog).to_contain_text("Has to ask at work.")
    await agent.choose("Scheduled")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(agent.rows).to_have_count(0)
    assert (await server.data(TASK, id=task_id(task)))["task"]["status"] == "CLOSED"


async def test_a_suggested_date_is_dropped_by_closing(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await Queue.filter(practice_id=office.practice.id).update(follow_up_ladder="3,7")
    await office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("No Answer")
    in_three_days = str(office.today + timedelta(days=3))
    await expect(agent.page.get_by_label("Follow-up date")).to_have_value(in_three_days)
    await expect(agent.log).to_be_enabled()
    await agent.log_and_close.click()
    await expect(agent.rows).to_have_count(0)


async def test_a_refusal_keeps_what_was_typed_and_shows_what_has_changed(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task = await office.make_task()
    agent = await sign_in()
    deaf = False

    def listen(socket: WebSocketRoute) -> None:
        far = socket.connect_to_server()
        far.on_message(lambda text: None if deaf else socket.send(text))

    await agent.page.route_web_socket("**/graphql", listen)
    await agent.page.reload()
    await agent.open("Amber Testwell")
    await agent.choose("No Answer")
    await agent.set_date(office.today + timedelta(days=3))
    await agent.write("Nobody there before six.")
    deaf = True
    await server.data(RELEASE, "supervisor", id=task_id(task))
    await log(server, task, "supervisor")
    await agent.log.click()
    alert = agent.dialog.get_by_role("alert")
    await expect(alert).to_contain_text("Not logged. What you typed is kept.")
    changes = agent.dialog.locator("[data-part=changes]")
    await expect(changes).to_contain_text("Status: Open → Open + In Progress")
    await expect(changes).to_contain_text("Attempts: 0 → 1")
    await expect(agent.page.get_by_label("Notes")).to_have_value("Nobody there before six.")
    await expect(agent.page.get_by_label("Follow-up date")).to_have_value(
        str(office.today + timedelta(days=3))
    )
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    shown = (await server.data(TASK, id=task_id(task)))["task"]
    assert shown["lastContact"]["notes"] == "Nobody there before six."


async def test_what_another_changes_is_shown_while_it_is_open(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await agent.write("For Monday.")
    await server.data(RELEASE, "supervisor", id=task_id(task))
    await log(server, task, "supervisor", outcome="NO_ANSWER", close=True, followUp=None)
    changes = agent.dialog.locator("[data-part=changes]")
    await expect(changes).to_contain_text("Changed meanwhile by Supervisor of maple")
    await expect(changes).to_contain_text("→ Closed")
    await expect(agent.log_and_close).to_be_hidden()
    unsent = agent.dialog.locator("[data-part=unsent]")
    await expect(unsent).to_contain_text("What you typed was not logged")
    await expect(unsent).to_contain_text("For Monday.")


async def test_opening_claims_and_closing_gives_back(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    agent, other = await sign_in(), await sign_in("supervisor")
    await agent.open("Amber Testwell")
    await agent.write("Half a thought")
    await expect(other.row("Amber Testwell")).to_contain_text("With Staff of maple")
    await agent.page.keyboard.press("Escape")
    await expect(other.row("Amber Testwell")).not_to_contain_text("With")
    assert (await server.data(TASK, id=task_id(task)))["task"]["claim"] is None
    await agent.open("Amber Testwell")
    await expect(agent.page.get_by_label("Notes")).to_have_value("Half a thought")


async def test_next_task_claims_and_opens_the_most_urgent(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await office.make_task()
    due = await office.make_task(patient=office.patients[1], follow_up=office.today)
    agent = await sign_in()
    await agent.page.get_by_role("button", name="Next task").click()
    await expect(agent.dialog.get_by_role("heading", name="Birch Testwell")).to_be_visible()
    claim = (await server.data(TASK, id=task_id(due)))["task"]["claim"]
    assert claim == {"by": {"name": "Staff of maple"}}
    await agent.choose("Scheduled")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    await agent.page.keyboard.press("n")
    await expect(agent.dialog.get_by_role("heading", name="Amber Testwell")).to_be_visible()
    await agent.choose("Scheduled")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    await agent.page.keyboard.press("n")
    await expect(agent.page.locator("#toast")).to_have_text("Nobody is due to be called.")


async def test_a_partner_may_look_but_not_log(server: Server, sign_in: SignIn) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, notes="Not for partners.")
    partner = await sign_in("partner")
    await expect(partner.page.get_by_role("button", name="Next task")).to_be_hidden()
    await partner.row("Amber Testwell").click()
    await expect(partner.dialog).to_contain_text("Your key may not log contacts.")
    await expect(partner.dialog).to_contain_text("No Answer")
    await expect(partner.dialog).not_to_contain_text("Not for partners.")
    await expect(partner.log).to_be_hidden()
    await expect(partner.dialog.locator(":disabled:visible")).to_have_count(0)


async def test_a_contact_is_logged_by_the_keyboard_alone(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await office.make_task()
    task = await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    keyboard = agent.page.keyboard
    await expect(agent.rows).to_have_count(2)
    await keyboard.press("j")
    await keyboard.press("ArrowDown")
    selected = agent.page.locator("#grid .row[aria-selected=true]")
    await expect(selected).to_contain_text("Birch Testwell")
    assert await agent.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != (
        "none"
    )
    await keyboard.press("Enter")
    await expect(agent.dialog.get_by_role("heading", name="Birch Testwell")).to_be_visible()
    await keyboard.press("Space")  # the first outcome
    await keyboard.press("ArrowDown")  # the second
    await expect(agent.page.get_by_role("radio", name="Left Message")).to_be_checked()
    date = office.today + timedelta(days=3)
    await tab_to(agent.page.get_by_label("Follow-up date"))
    await keyboard.type(f"{date:%m%d%Y}")
    await expect(agent.page.get_by_label("Follow-up date")).to_have_value(str(date))
    await tab_to(agent.page.get_by_label("Notes"))
    await keyboard.type("Voicemail? Left our number: n, j / k.")
    await keyboard.press("Control+Enter")
    await expect(agent.dialog).to_be_hidden()
    await expect(agent.row("Birch Testwell")).to_contain_text("Left Message")
    contact = (await server.data(TASK, id=task_id(task)))["task"]["lastContact"]
    assert contact == {"outcome": "LEFT_MESSAGE", "notes": "Voicemail? Left our number: n, j / k."}
    await keyboard.press("?")
    await expect(agent.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await keyboard.press("Escape")
    await keyboard.press("k")
    await expect(selected).to_have_count(1)


async def test_while_others_keep_the_database_the_page_keeps_what_was_typed(
    server: Server, sign_in: SignIn, tmp_path: Path
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await agent.write("For Monday.")
    errors = agent.dialog.locator("[data-part=errors]")
    with closing(sqlite3.connect(tmp_path / "callboard.sqlite3")) as elsewhere:
        elsewhere.execute("BEGIN IMMEDIATE")
        await agent.log_and_close.click()
        await expect(errors).to_contain_text("What you typed is kept", timeout=15_000)
        await expect(errors).to_contain_text("Callboard is busy right now")
        await expect(agent.page.get_by_label("Notes")).to_have_value("For Monday.")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    logged = (await server.data(TASK, id=task_id(task)))["task"]["lastContact"]
    assert logged == {"outcome": "SCHEDULED", "notes": "For Monday."}

"""Promised call-backs at the dashboard: typed, shown, lit up when it is time, and first of all."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from models.call_back import CallBackBy
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import tab_to
from tests.dashboard.test_page import CUT_OFF, FITS, barriers_by_day_and_night
from tests.dashboard.test_passing_over import REASON
from tests.serving import Server
from tests.support.call_backs import promise

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("CALLBOARD_TEST_SCREENSHOTS")


def clock_change(year: int, month: int, nth: int) -> date:
    """The nth Sunday of the month, on which clocks change in Chicago."""
    sundays = [d for d in range(1, 29) if date(year, month, d).weekday() == 6]
    return date(year, month, sundays[nth - 1])


async def soon(server: Server, task: Task, seconds: float = 1) -> datetime:
    """Move a promise to a moment that comes soon."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    await Task.filter(id=task.id).update(follow_up_at=at, call_back_told_at=None)
    return at


async def test_a_call_back_is_promised_by_me_and_shown_with_its_time(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    tomorrow = server.office.today + timedelta(days=1)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    page, time = agent.page, agent.page.get_by_label("Call back at")
    who = page.get_by_label("Who calls back")
    await expect(who).to_be_disabled()
    await agent.choose("Left Message")
    await time.fill("15:30")
    await expect(page.locator("#time-hint")).to_have_text("Choose the date, too.")
    await expect(agent.log).to_be_disabled()
    await agent.set_date(tomorrow)
    await who.select_option("by me")
    await expect(page.locator("#time-hint")).to_contain_text("You are offered the call first")
    await agent.log.click()
    await expect(page.locator("#toast")).to_contain_text(f"{tomorrow.day}, 3:30 PM.")
    await expect(agent.row("Amber Testwell")).to_contain_text("tomorrow, 3:30 PM")
    await expect(agent.row("Amber Testwell")).to_contain_text("Staff of maple calls back")
    task = await Task.all().first()
    assert task is not None
    assert (task.follow_up, task.call_back_by_id) == (tomorrow, server.office.staff.staff_id)

    await agent.open("Amber Testwell")
    await expect(page.locator("[data-part=due]")).to_contain_text("3:30 PM, tomorrow")
    await expect(page.locator("[data-part=call-back]")).to_have_text("Staff of maple calls back")
    await expect(page.locator("[data-part=history] li").first).to_contain_text(", 3:30 PM")
    await expect(time).to_have_value("")


async def test_by_the_keyboard_alone(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    tomorrow = server.office.today + timedelta(days=1)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    keyboard = agent.page.keyboard
    await keyboard.press("Space")  # No Answer, on which the focus is
    await tab_to(agent.page.get_by_label("Follow-up date"))
    await keyboard.type(f"{tomorrow:%m%d%Y}")
    await tab_to(agent.page.get_by_label("Call back at"))
    await keyboard.type("0330PM")
    await tab_to(agent.page.get_by_label("Who calls back"))
    await keyboard.press("ArrowDown")
    await keyboard.press("Control+Enter")
    await expect(agent.page.locator("#toast")).to_contain_text("No Answer, call again")
    task = await Task.all().first()
    assert task is not None
    assert (task.follow_up, task.call_back_by_id) == (tomorrow, server.office.staff.staff_id)
    assert task.follow_up_at is not None


async def test_a_time_that_the_clocks_skip_is_refused_and_what_was_typed_is_kept(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task = await office.make_task()
    day = clock_change(office.today.year + 1, 3, 2)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Left Message")
    await agent.set_date(day)
    await agent.page.get_by_label("Call back at").fill("02:30")
    await agent.write("After the night shift")
    await agent.log.click()
    errors = agent.page.locator("[data-part=errors]")
    await expect(errors).to_contain_text("skip 02:30")
    await expect(errors).to_contain_text("What you typed is kept.")
    await expect(agent.page.get_by_label("Call back at")).to_have_value("02:30")
    await expect(agent.page.get_by_label("Notes")).to_have_value("After the night shift")
    await task.refresh_from_db()
    assert task.contact_count == 0

    await agent.page.reload()  # the draft has the time, too
    await agent.is_live()
    await expect(agent.page.get_by_label("Call back at")).to_have_value("02:30")
    await agent.page.get_by_label("Call back at").fill("00:00")
    await agent.set_date(office.today)
    await agent.log.click()
    await expect(errors).to_contain_text("00:00 has passed")
    await agent.page.get_by_label("Call back at").fill("03:30")
    await expect(errors).to_be_hidden()


async def test_an_hour_that_is_shown_twice_says_which_of_the_two_it_is(
    server: Server, sign_in: SignIn
) -> None:
    day = clock_change(server.office.today.year + 1, 11, 1)
    await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Left Message")
    await agent.set_date(day)
    await agent.page.get_by_label("Call back at").fill("01:30")
    await agent.log.click()
    await expect(agent.page.locator("#toast")).to_contain_text("1:30 AM CDT")


async def test_it_lights_up_when_it_is_time_stands_first_and_is_next(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    amber, birch, _ = [await office.make_task(patient=patient) for patient in office.patients]
    await Task.filter(id=birch.id).update(follow_up=office.today - timedelta(days=2))
    at = datetime.now(UTC) + timedelta(hours=20)
    await promise(office, amber, at, CallBackBy.ME)
    mine, other = await sign_in(), await sign_in("supervisor")
    items = "#grid .section, #grid .row .patient b"
    for agent in (mine, other):
        await expect(agent.page.locator(items).first).to_have_text("Overdue")
    asked = len(other.requests)
    await soon(server, amber)
    for agent in (mine, other):
        await expect(agent.page.locator(items).first).to_have_text("Call back now")
        await expect(agent.rows.first).to_contain_text("Amber Testwell")
        await expect(agent.rows.first).to_contain_text("since ")
    assert other.requests[asked:] == []  # it was told, not asked for
    await expect(mine.page.locator("#toast")).to_have_text("Time to call Amber Testwell back.")
    await expect(other.page.locator("#toast")).to_have_text("")
    await mine.page.keyboard.press("n")
    await expect(mine.page.locator("#contact-title")).to_have_text("Amber Testwell")


async def test_a_form_that_is_open_when_it_is_time_is_logged_all_the_same(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task = await office.make_task()
    await promise(office, task, datetime.now(UTC) + timedelta(seconds=6))
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await agent.write("Typed before")
    await expect(agent.row("Amber Testwell")).to_contain_text("since ")
    await expect(agent.page.get_by_label("Notes")).to_have_value("Typed before")
    await expect(agent.page.locator("[data-part=changes]")).to_be_hidden()
    await agent.log_and_close.click()
    await expect(agent.page.locator("#toast")).to_contain_text("Scheduled, closed")


async def test_a_task_is_postponed_to_a_time(server: Server, sign_in: SignIn) -> None:
    office = server.office
    task = await office.make_task()
    day = office.today + timedelta(days=3)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.page.keyboard.press("Control+;")
    form = agent.page.locator(".form-dialog")
    await form.get_by_label("Call on").fill(str(office.today))
    await form.get_by_label("Call back at").fill("00:00")
    await form.get_by_label("Why").fill(REASON)
    await form.get_by_role("button", name="Postpone").click()
    await expect(form).to_contain_text("00:00 has passed")
    await expect(form.get_by_label("Call back at")).to_be_focused()
    await form.get_by_label("Call on").fill(str(day))
    await form.get_by_label("Call back at").fill("15:30")
    await form.get_by_role("button", name="Postpone").click()
    await expect(agent.page.locator("#toast")).to_contain_text(f"{day.day}, 3:30 PM.")
    await task.refresh_from_db()
    assert (task.follow_up, task.call_back_by_id, task.contact_count) == (day, None, 0)
    assert task.follow_up_at is not None
    await expect(agent.row("Amber Testwell")).to_contain_text("in 3 days, 3:30 PM")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
async def test_it_has_no_barrier_and_nothing_is_cut_off(
    server: Server, sign_in: SignIn, axe: str, width: int, height: int
) -> None:
    office = server.office
    due, later, _ = [await office.make_task(patient=patient) for patient in office.patients]
    await promise(office, due, datetime.now(UTC) + timedelta(hours=20), CallBackBy.ME)
    await promise(office, later, datetime.now(UTC) + timedelta(hours=20), CallBackBy.ME)
    agent = await sign_in(viewport={"width": width, "height": height})
    page = agent.page
    await soon(server, due, 0)
    await expect(agent.rows.first).to_contain_text("since ")
    assert await barriers_by_day_and_night(page, axe) == []
    assert await page.evaluate(FITS)
    assert await page.evaluate(CUT_OFF) == []
    await _picture(page, f"call-backs-{width}.png")
    await agent.row("Amber Testwell").click()
    await agent.choose("Left Message")
    await agent.set_date(office.today + timedelta(days=1))
    await page.get_by_label("Call back at").fill("15:30")
    await page.get_by_label("Who calls back").select_option("by me")
    assert await barriers_by_day_and_night(page, axe) == []
    assert await page.evaluate(CUT_OFF) == []
    await page.get_by_label("Who calls back").scroll_into_view_if_needed()
    await _picture(page, f"call-back-form-{width}.png")
    await page.keyboard.press("Control+;")
    await expect(page.locator(".form-dialog")).to_be_visible()
    assert await barriers_by_day_and_night(page, axe) == []
    assert await page.evaluate(CUT_OFF) == []
    await _picture(page, f"call-back-postponed-{width}.png")


async def _picture(page: object, name: str) -> None:
    """To be looked at, where a folder is named for it."""
    if PICTURES is not None:
        await page.screenshot(path=Path(PICTURES) / name)  # type: ignore[attr-defined]

"""Appointments in the browser: the next one beside the call, all of them on the patient's page."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from gql_app.work.appointments import NewAppointment, record_appointment
from models.appointment import Appointment
from models.practice import Queue
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.dashboard.test_patients import look_for, section
from tests.dashboard.test_settings import of_queue, open_queues
from tests.office import Office
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def book(office: Office, name: str = "b1", days: float = 3, kind: str | None = None) -> None:
    at = office.clock() + timedelta(days=days)
    new = NewAppointment(office.patients[0].id, at, name, kind)
    result: Any = await office.changes.make(office.partner, record_appointment, new)
    assert result.refusals == ()


async def open_patient(page: Page) -> Locator:
    await look_for(page, "Amber")
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    return section(page, "Appointments")


async def test_the_dialog_shows_the_next_one_as_it_is_booked_and_moved(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue")
    agent = await sign_in()
    await agent.open("Cleaning overdue")
    await agent.choose("Left Message")
    await agent.set_date(office.today + timedelta(days=1))
    await agent.write("Told her sister")
    line = agent.dialog.locator("[data-part=rests]")
    await expect(line).to_be_hidden()
    await book(office, kind="Crown <b>")
    await expect(line).to_contain_text("Next appointment: ")
    await expect(line).to_contain_text("(Crown <b>)")
    before = await line.text_content()
    await book(office, days=5)
    await expect(line).not_to_have_text(before or "")
    await expect(line).to_contain_text("Next appointment: ")
    await expect(agent.dialog.locator("#notes")).to_have_value("Told her sister")
    await expect(agent.log).to_be_enabled()
    assert await barriers(agent.page, axe) == []


async def test_a_supervisor_cancels_one_by_keyboard_and_the_task_is_back_for_all(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    await office.make_task(
        reason="Cleaning overdue", expires_at=office.clock() + timedelta(days=90)
    )
    agent, supervisor = await sign_in(), await sign_in("supervisor")
    await expect(agent.rows).to_have_count(1)
    await book(office, kind="Cleaning")
    await expect(agent.rows).to_have_count(0)
    page = supervisor.page
    listed = await open_patient(page)
    await expect(listed).to_contain_text("Cleaning")
    assert await barriers(page, axe) == []
    await listed.get_by_role("button", name="Cancel").press("Enter")
    told = page.locator("#toast")
    await expect(told).to_have_text("The appointment is cancelled, 1 task open again.")
    await expect(listed).to_contain_text("Cancelled")
    await expect(section(page, "Open tasks")).to_contain_text("Cleaning overdue")
    await expect(agent.rows).to_have_count(1)
    await listed.get_by_role("button", name="Take back").press("Enter")
    await expect(listed.get_by_role("button", name="Cancel")).to_be_visible()
    await expect(agent.rows).to_have_count(0)


async def test_a_missed_one_makes_a_task_by_mouse(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await Queue.filter(id=office.missed.id).update(missed_appointments=True)
    await book(office, days=-0.01)
    await book(office, "b2", days=4)
    page = (await sign_in("supervisor")).page
    listed = await open_patient(page)
    await expect(listed.get_by_role("button", name="Missed")).to_have_count(1)  # not of the later
    await listed.get_by_role("button", name="Missed").click()
    await expect(section(page, "Open tasks")).to_contain_text("Missed the appointment on")
    await expect(listed).to_contain_text("Missed")
    assert (await Task.get()).queue_id == office.missed.id


async def test_what_another_has_done_meanwhile_is_told(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await book(office)
    page = (await sign_in("supervisor")).page
    listed = await open_patient(page)
    await expect(listed.get_by_role("button", name="Cancel")).to_be_visible()
    await Appointment.all().update(status="CANCELLED")
    await listed.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("was cancelled already")
    await expect(listed.get_by_role("button", name="Take back")).to_be_visible()


async def test_an_agent_reads_them_and_changes_none(server: Server, sign_in: SignIn) -> None:
    await book(server.office)
    listed = await open_patient((await sign_in()).page)
    await expect(listed).to_contain_text("b1")
    await expect(listed.get_by_role("button", name="Cancel")).to_have_count(0)


async def test_a_queue_says_which_it_means(server: Server, sign_in: SignIn, axe: str) -> None:
    page = (await sign_in("admin")).page
    await open_queues(page)
    await of_queue(page, "Change", "Overdue recall").click()
    await page.get_by_label("Only for appointments of these kinds").fill(f"Cleaning, {'x' * 101}")
    await page.get_by_label("Make a task here when an appointment is missed").check()
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_text("has at most 100 characters")).to_be_visible()
    await page.get_by_label("Only for appointments of these kinds").fill("Cleaning, Check-up")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.locator("#settings")).to_contain_text("takes missed appointments")
    queue = await Queue.get(id=server.office.recall.id)
    assert (queue.appointment_kinds, queue.missed_appointments) == (
        '["Cleaning", "Check-up"]',
        True,
    )

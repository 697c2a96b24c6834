"""Twenty calls, one after the other, each with something else in it: by mouse and by keyboard,
with a second agent beside."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.practices import update_practice
from models.contact import Contact, ContactUndo
from models.practice import Queue
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_households import ALIKE
from tests.dashboard.test_other_tasks import this_call
from tests.dashboard.test_undo import offer
from tests.dashboard.visits import Visit
from tests.office import Office
from tests.serving import Server
from tests.work.agents import make_patients
from tests.work.families import answer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("CALLBOARD_TEST_SCREENSHOTS")
CALLS = 20


class Agent:
    """Somebody who works with the mouse, or with the keyboard."""

    def __init__(self, visit: Visit, by: str, office: Office) -> None:
        self.visit, self.by, self.office = visit, by, office
        self.page = visit.page
        self.number = 0

    async def picture(self, what: str = "form") -> None:
        """A picture of the call as it is now, if CALLBOARD_TEST_SCREENSHOTS names a folder."""
        if PICTURES:
            name = f"call-{self.number:02}-{what}-{self.by}.png"
            await self.page.screenshot(path=Path(PICTURES, name), animations="disabled")

    async def press(self, control: Locator) -> None:
        await (control.click() if self.by == "mouse" else control.press("Enter"))

    async def tick(self, control: Locator) -> None:
        await (control.click() if self.by == "mouse" else control.press("Space"))

    async def open(self, number: int, *, is_free: bool = True) -> None:
        self.number = number
        row = self.visit.row(f"Call {number}.")
        await row.click()
        await expect(self.visit.dialog).to_be_visible()
        if is_free:
            await expect(row).to_contain_text("With you")

    async def choose(self, outcome: str) -> None:
        await self.tick(self.page.get_by_role("radio", name=outcome))

    async def log(self, *, close: bool = False) -> None:
        await self.picture()
        if self.by == "keyboard":
            await self.page.keyboard.press("Control+Shift+Enter" if close else "Control+Enter")
        else:
            await (self.visit.log_and_close if close else self.visit.log).click()
        await expect(self.visit.dialog).to_be_hidden()

    async def call(
        self,
        number: int,
        outcome: str = "No Answer",
        *,
        close: bool = False,
        notes: str = "",
        days: int = 1,
        is_free: bool = True,
    ) -> None:
        """The whole of a call without anything special."""
        await self.open(number, is_free=is_free)
        await self.choose(outcome)
        if not close:
            await self.visit.set_date(self.office.today + timedelta(days=days))
        if notes:
            await self.visit.write(notes)
        await self.log(close=close)

    async def leave(self) -> None:
        """Close the task. A form before it would be closed in its place."""
        await expect(self.page.locator("dialog:modal")).to_have_count(1)
        await self.page.keyboard.press("Escape")
        await expect(self.visit.dialog).to_be_hidden()

    async def told(self, text: str) -> None:
        await expect(self.page.locator("#toast")).to_contain_text(text)


async def make_tasks(office: Office) -> list[Task]:
    """A task of each patient, whose number its reason has."""
    patients = await make_patients(office, CALLS + 1)
    tasks = []
    for number, patient in enumerate(patients[1:], start=1):
        queue = office.missed if number in (13, 14) else office.recall
        given: dict[str, Any] = {}
        if number == 20:
            given["expires_at"] = office.clock() + timedelta(days=90)
        tasks.append(
            await office.make_task(queue, patient=patient, reason=f"Call {number}.", **given)
        )
    await office.make_task(office.missed, patient=patients[6], reason="Also for six")
    assert not (await answer(office, patients[18].id, patients[17].id)).refusals
    await Queue.filter(id=office.missed.id).update(max_attempts=1)
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    return tasks


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_twenty_calls(server: Server, sign_in: SignIn, by: str) -> None:
    office = server.office
    tasks = dict(enumerate(await make_tasks(office), start=1))
    agent, boss = Agent(await sign_in(), by, office), Agent(await sign_in("supervisor"), by, office)
    page, beside = agent.page, boss.visit
    tomorrow = office.today + timedelta(days=1)

    await agent.call(1)
    await expect(beside.row("Call 1.")).to_contain_text("No Answer")
    await agent.call(2, "Left Message", days=7)
    await agent.call(3, "Did Not Schedule", notes="No time before June")
    await agent.call(4, "Did Not Schedule", close=True)
    await expect(beside.row("Call 4.")).to_have_count(0)
    await agent.call(5, "Scheduled", close=True)

    await agent.open(6)  # and on the patient's other task, alike
    await expect(page.locator("[data-part=others] li")).to_have_count(1)
    await agent.choose("Left Message")
    await agent.visit.set_date(tomorrow)
    await agent.log()
    await agent.told("Also on 1 other task.")
    await expect(beside.row("Also for six")).to_contain_text("Left Message")

    await agent.open(7)  # a call back at a time
    await agent.choose("Left Message")
    await agent.visit.set_date(tomorrow)
    await page.get_by_label("Call back at").fill("15:30")
    await page.get_by_label("Who calls back").select_option("by me")
    await agent.log()
    await expect(beside.row("Call 7.")).to_contain_text("3:30 PM")

    await agent.open(8)  # another day, without a call
    if by == "keyboard":
        await page.keyboard.press("Control+;")
    else:
        await page.get_by_role("button", name="Postpone").click()
    form = page.get_by_role("dialog", name="Postpone")
    await form.get_by_label("Call on").fill(str(tomorrow))
    await form.get_by_label("Why").fill("The line was busy")
    await agent.picture("postponing")
    await agent.press(form.get_by_role("button", name="Postpone"))
    await agent.told("postponed to")

    await agent.open(9)  # not now: somebody else comes
    if by == "keyboard":
        await page.keyboard.press("Control+.")
    else:
        await page.get_by_role("button", name="Skip").click()
    await expect(page.locator("#contact [data-part=reason]")).to_have_text("Call 20.")
    await expect(agent.visit.row("Call 20.")).to_contain_text("With you")
    await agent.picture("next")
    await agent.leave()

    await agent.call(10, "Left Message")  # a slip
    await agent.picture("undo")
    if by == "keyboard":
        await page.keyboard.press("u")
    else:
        await offer(page).get_by_role("button", name="Undo").click()
    await expect(beside.row("Call 10.")).to_contain_text("0 attempts")
    assert await ContactUndo.all().count() == 1

    await boss.open(11)  # the patient is faster
    await agent.open(11, is_free=False)
    await agent.choose("Scheduled")
    await agent.tick(page.get_by_label("The patient has called us"))
    await agent.log(close=True)
    await boss.leave()
    assert (await Contact.get(task_id=tasks[11].id)).is_incoming

    await agent.open(12)  # never again
    await agent.choose("Did Not Schedule")
    await page.get_by_label("The patient", exact=True).select_option("Asked not to be called")
    await agent.log(close=True)
    await expect(beside.row("Call 12.")).to_have_count(0)

    await agent.call(13)  # often enough, and once more
    await expect(beside.row("Call 13.")).to_contain_text("Needs review")
    await boss.open(13)
    await boss.picture("review")
    await boss.press(beside.page.get_by_role("button", name="Call once more"))
    await expect(beside.page.locator("#contact [data-part=review]")).to_be_hidden()
    await boss.leave()
    await agent.call(14)  # often enough, and given up
    await boss.call(14, "Did Not Schedule", close=True)

    await boss.open(15)  # more urgent
    await beside.page.get_by_label("Priority").select_option("High")
    await boss.picture("priority")
    await boss.leave()
    await expect(agent.visit.row("Call 15.")).to_contain_text("High: ")
    await agent.call(15)

    await agent.call(16, "Scheduled", close=True)  # it was not so
    await beside.page.get_by_label("Status").select_option("Closed")
    await boss.open(16, is_free=False)
    await boss.press(beside.page.get_by_role("button", name="Reopen …"))
    reopening = beside.page.get_by_role("dialog", name="Reopen the task")
    await reopening.get_by_label("Why").fill("Rang back")
    await reopening.get_by_label("Call on").fill(str(tomorrow))
    await boss.picture("reopening")
    await boss.press(reopening.get_by_role("button", name="Reopen the task"))
    await expect(agent.visit.row("Call 16.")).to_contain_text("1 attempt")
    await boss.leave()
    await beside.page.get_by_label("Status").select_option("Open")

    await agent.open(17)  # with the daughter, whose task is 18
    await this_call(agent.visit, "Call 18.").select_option(ALIKE)
    await agent.choose("Left Message")
    await agent.visit.set_date(tomorrow)
    await agent.log()
    await expect(beside.row("Call 18.")).to_contain_text("Left Message")

    await agent.open(19)  # there is nobody at this number
    await agent.press(agent.visit.dialog.get_by_role("button", name="Wrong number"))
    await expect(page.locator("#contact [data-part=phone]")).to_have_text("No number is right")
    await agent.picture("wrong-number")
    await agent.choose("No Answer")
    await agent.log(close=True)

    booking = NewAppointment(tasks[20].patient_id, office.clock() + timedelta(days=9), "b20")
    await agent.open(20)  # booked elsewhere while the dialog is open, and cancelled
    await office.changes.make(office.partner, record_appointment, booking)
    await expect(agent.visit.dialog).to_contain_text("Appointment booked")
    await agent.picture("booked")
    await agent.leave()

    week = {"calling_hours": f"{office.today + timedelta(days=3):%a} 08:00-18:00"}
    await office.changes.make(office.admin, update_practice, week)
    await agent.open(9)  # the one that was skipped, when nobody is to be called
    await expect(page.locator("#contact [data-part=hours]")).to_be_visible()
    await agent.choose("No Answer")
    await agent.visit.set_date(tomorrow)
    await agent.log()

    await expect(beside.page.locator("#grid .row.claimed", has_text="With ")).to_have_count(0)
    standing = await Contact.all().count() - await ContactUndo.all().count()
    assert standing == sum([task.contact_count for task in await Task.all()])
    assert await Task.filter(claimed_by_id__isnull=False).count() == 0

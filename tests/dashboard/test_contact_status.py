"""Patients who are not to be called, in the browser: said in the dialog, seen at once by others,
set and lifted on the patient's page."""

from datetime import timedelta

import pytest
from playwright.async_api import Route, expect

from gql_app.work.contact_status import NewStatus, set_contact_status
from models.contact_status import ContactStatus
from models.people import Patient
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.dashboard.test_patients import look_for, section
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAID = "Asked not to be called"


async def test_who_has_the_card_open_sees_at_once_that_a_patient_is_not_to_be_called(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue")
    await office.make_task(office.missed, reason="No show")
    first, second = await sign_in(), await sign_in("supervisor")
    await second.open("Amber Testwell", "No show")
    await second.choose("Left Message")
    await second.write("Told her sister")
    page = first.page
    await look_for(page, "Amber")
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    await page.get_by_role("button", name="Contact status").press("Enter")
    await page.get_by_role("button", name="Save").press("Enter")
    record = second.dialog.get_by_role("region", name="How it ended")
    await expect(record).to_contain_text("Do not contact")
    await expect(second.dialog.locator("[data-part=standing]")).to_have_text(SAID)
    await expect(second.log_and_close).to_be_hidden()
    await expect(second.dialog).to_contain_text("What you typed was not logged")
    await expect(second.dialog).to_contain_text("Told her sister")
    assert await barriers(second.page, axe) == []
    await second.page.get_by_role("button", name="Close", exact=True).click()
    await expect(second.rows).to_have_count(0)


async def test_it_is_said_in_the_dialog_and_closes_all(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue")
    other = await office.make_task(office.missed, reason="No show")
    agent = await sign_in()
    await agent.open("Cleaning overdue")
    await agent.choose("Did Not Schedule")
    await agent.set_date(office.today + timedelta(days=1))
    await agent.write("Never again")
    await expect(agent.log).to_be_enabled()
    await agent.page.get_by_label("The patient", exact=True).select_option(SAID)
    await expect(agent.log).to_be_disabled()
    await expect(agent.dialog).to_contain_text(f"{SAID} ends the task: use Log and Close Task.")
    await expect(agent.dialog).to_contain_text("Ends all open tasks of this patient.")
    assert await barriers(agent.page, axe) == []
    await agent.page.reload()  # what was chosen is kept, as what was typed
    await agent.is_live()
    await expect(agent.page.get_by_label("The patient", exact=True)).to_have_value("DO_NOT_CONTACT")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(agent.rows).to_have_count(0)
    await expect(agent.page.get_by_role("button", name="Undo")).to_have_count(0)
    await other.refresh_from_db()
    assert other.close_cause == "DO_NOT_CONTACT"
    assert (await Patient.get(id=office.patients[0].id)).contact_status == "DO_NOT_CONTACT"


async def test_it_is_set_and_lifted_on_the_patients_page_by_keyboard(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue")
    agent, boss = await sign_in(), await sign_in("supervisor")
    page = agent.page
    await look_for(page, "Amber")
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    await page.get_by_role("button", name="Contact status").press("Enter")
    status = page.get_by_role("dialog").get_by_label("The patient")
    await expect(status).to_be_focused()
    await expect(status.locator("option")).to_have_count(3)  # to lift it is for supervisors
    await page.keyboard.press("Tab")
    await page.keyboard.type("Wants no calls")
    await page.get_by_role("dialog").get_by_label("Last day").fill("2020-01-01")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The last day is before today")).to_be_visible()
    await expect(page.get_by_role("dialog").get_by_label("Why")).to_have_value("Wants no calls")
    assert await barriers(page, axe) == []
    await page.get_by_role("dialog").get_by_label("Last day").fill(str(office.today))
    await page.keyboard.press("Enter")
    said = page.locator(".person .standing")
    await expect(said).to_contain_text(SAID)
    await expect(said).to_contain_text("Wants no calls")
    await expect(section(page, "Closed tasks")).to_contain_text("Do not contact")
    assert await barriers(page, axe) == []
    assert (await Task.all())[0].close_cause == "DO_NOT_CONTACT"

    page = boss.page
    await look_for(page, "Amber")
    await expect(page.locator(".found li").filter(has_text="Amber")).to_contain_text(SAID)
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    await expect(page.get_by_role("button", name="New task")).to_be_hidden()
    await page.get_by_role("button", name="Contact status").press("Enter")
    await page.get_by_role("dialog").get_by_label("The patient").select_option("May be called")
    await expect(page.get_by_role("dialog").get_by_label("Last day")).to_be_disabled()
    await page.get_by_role("dialog").get_by_label("Why").fill("Asked us to call again")
    await page.get_by_role("button", name="Save").press("Enter")
    offer = page.locator(".person .notice[role=status]")
    await expect(offer).to_contain_text("Tasks that the contact status had closed:")
    await expect(offer.get_by_role("link")).to_contain_text("Cleaning overdue")
    await expect(page.get_by_role("button", name="New task")).to_be_visible()
    assert await barriers(page, axe) == []

    await offer.get_by_role("button", name="Reopen …").press("Enter")
    form = page.get_by_role("dialog", name="Reopen the task of Amber Testwell")
    await form.get_by_label("Why").fill("Her calls are welcome again")
    await form.get_by_role("button", name="Reopen the task").press("Enter")
    await expect(form).to_be_hidden()
    await expect(section(page, "Open tasks")).to_contain_text("Cleaning overdue")
    await expect(offer).to_be_hidden()
    await expect(page.get_by_role("button", name="Contact status")).to_be_focused()
    assert (await Task.all())[0].status == "OPEN"
    await expect(said).to_have_text("")  # the agent's page follows


async def test_the_focus_stays_if_the_page_is_told_before_the_answer_comes(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue")
    patient, new = office.patients[0].id, NewStatus(ContactStatus.DO_NOT_CONTACT)
    await office.changes.make(office.supervisor, set_contact_status, patient, new)
    page = (await sign_in("supervisor")).page
    await look_for(page, "Amber")
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    await page.get_by_role("button", name="Contact status").press("Enter")
    await page.get_by_role("dialog").get_by_label("The patient").select_option("May be called")
    await page.get_by_role("dialog").get_by_label("Why").fill("Asked us to call again")
    await page.get_by_role("button", name="Save").press("Enter")
    offer = page.locator(".person .notice[role=status]")

    async def late(route: Route) -> None:
        answer = await route.fetch()
        if "reopenTask" in (route.request.post_data or ""):
            await expect(section(page, "Open tasks")).to_contain_text("Cleaning overdue")
        await route.fulfill(response=answer)

    await offer.get_by_role("button", name="Reopen …").press("Enter")
    form = page.get_by_role("dialog", name="Reopen the task of Amber Testwell")
    await form.get_by_label("Why").fill("Her calls are welcome again")
    await page.route("**/graphql", late)
    await form.get_by_role("button", name="Reopen the task").press("Enter")
    await expect(form).to_be_hidden()
    await expect(page.get_by_role("button", name="Contact status")).to_be_focused()
    await page.unroute_all(behavior="wait")


async def test_nothing_is_offered_that_leads_back_until_it_is_lifted(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, close=True)
    amber = office.patients[0].id
    new = NewStatus(ContactStatus.DO_NOT_CONTACT)
    await office.changes.make(office.staff, set_contact_status, amber, new)
    boss = await sign_in("supervisor")
    page = boss.page
    await boss.load(f"/#/tasks/{task_id(task)}")
    await expect(page.locator("[data-part=history] li")).to_have_count(1)
    for name in ("Reopen …", "Undo …"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    lifted = NewStatus(ContactStatus.OK)
    await office.changes.make(office.supervisor, set_contact_status, amber, lifted)
    await boss.page.reload()
    for name in ("Reopen …", "Undo …"):
        await expect(page.get_by_role("button", name=name)).to_have_count(1)


async def test_the_patients_page_fits_on_a_phone(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await office.make_task(reason="Cleaning overdue since spring; was promised a call of ours")
    boss = await sign_in("supervisor", viewport={"width": 390, "height": 844})
    page = boss.page
    await look_for(page, "Amber")
    await page.get_by_role("link", name="Amber Testwell").press("Enter")
    for chosen in ("Asked not to be called", "May be called"):
        await page.get_by_role("button", name="Contact status").press("Enter")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("The patient").select_option(chosen)
        await dialog.get_by_role("button", name="Save").press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(page.locator(".offered li")).to_have_count(int(chosen == "May be called"))
        await expect(page.get_by_role("button", name="Merge")).to_be_visible()
        wide = "document.querySelector('#patients').scrollWidth"
        assert await page.evaluate(f"{wide} <= document.documentElement.clientWidth")

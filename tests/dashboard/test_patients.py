"""The patients' page: looking for somebody, and one patient with all that is known and done."""

import pytest
from playwright.async_api import Locator, Page, expect

from gql_app.work.merging import merge_patients
from gql_app.work.patient_edits import PatientChanges, update_patient
from models.people import Patient
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.office import Office
from tests.schema.test_patient_changes import patient_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


async def look_for(page: Page, typed: str) -> None:
    await page.get_by_role("link", name="Patients", exact=True).click()
    # Or it may be the search of the tasks, which goes away.
    await expect(page.get_by_role("heading", name="Patients")).to_be_visible()
    await page.get_by_role("searchbox", name="Search by patient or phone").fill(typed)


async def rename(office: Office, name: str) -> None:
    changes = PatientChanges(name=name)
    patient = office.patients[0].id
    await office.changes.make(office.supervisor, update_patient, patient, changes)


async def test_a_patients_page_shows_all_and_follows_what_others_do(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    closed = await office.make_task(office.missed, reason="Crown")
    await office.log(closed, notes="Comes on Monday", close=True)
    await office.make_task(reason="Cleaning overdue")
    agent = await sign_in()
    page = agent.page
    await agent.open("Cleaning overdue")
    await page.get_by_role("link", name="All about this patient").click()
    await expect(page.get_by_role("heading", name="Amber Testwell")).to_be_visible()
    await expect(agent.dialog).to_have_count(0)
    await expect(section(page, "Open tasks")).to_contain_text("Cleaning overdue")
    await expect(section(page, "Closed tasks")).to_contain_text("Crown")
    await expect(section(page, "Contacts")).to_contain_text("Comes on Monday")
    await expect(section(page, "Appointments")).to_contain_text("booking system tells")
    for name in ("New task", "Edit", "Merge …"):  # an agent may not
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    assert await barriers(page, axe) == []
    await rename(office, "Amber Newname")
    await expect(page.get_by_role("heading", name="Amber Newname")).to_be_visible()
    assert "Amber" not in await page.title()
    await section(page, "Open tasks").get_by_role("link", name="Cleaning overdue").click()
    await expect(agent.dialog).to_contain_text("Amber Newname")


async def test_a_patient_is_made_and_gets_a_task_by_keyboard(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    await look_for(page, "Fern Newhand")
    await expect(page.get_by_text("Nobody is called so")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Name")).to_have_value("Fern Newhand")
    assert await barriers(page, axe) == []
    await page.get_by_role("textbox", name="Phone").fill("call me")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("no phone number that can be called")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Phone")).to_be_focused()
    await expect(page.get_by_role("textbox", name="Name")).to_have_value("Fern Newhand")
    await page.get_by_role("textbox", name="Phone").fill("217 555 0123")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Fern Newhand")).to_be_focused()
    await expect(page.get_by_role("link", name="(217) 555-0123")).to_be_visible()
    await page.get_by_role("button", name="New task").press("Enter")
    await page.get_by_role("combobox", name="Queue").select_option(index=1)
    await page.get_by_role("button", name="Make task").click()
    await expect(page.get_by_text("Say why the patient is to be called.")).to_be_visible()
    assert await barriers(page, axe) == []
    await page.get_by_role("textbox", name="Why to call").fill("Asked to be called")
    await page.get_by_role("button", name="Make task").click()
    await expect(section(page, "Open tasks")).to_contain_text("Asked to be called")
    task = await Task.get(reason="Asked to be called")
    assert task.queue_id == server.office.missed.id
    assert (await Patient.get(id=task.patient_id)).name == "Fern Newhand"


async def test_what_was_typed_stays_through_a_conflict_and_a_server_that_is_away(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    await supervisor.load(f"/#/patients/{patient_id(server, 0)}")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Name").fill("Amber Typed")
    await rename(office, "Amber Meanwhile")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").last).to_contain_text("is called Amber Meanwhile")
    await expect(page.get_by_role("textbox", name="Name")).to_have_value("Amber Typed")
    await page.route("**/graphql", lambda route: route.abort())
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog")).to_contain_text("What you typed is kept")
    await page.unroute("**/graphql")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Edit").click()
    await expect(page.get_by_role("textbox", name="Name")).to_have_value("Amber Typed")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Amber Typed")).to_be_visible()
    patient = await Patient.get(id=office.patients[0].id)
    assert (patient.name, patient.phone) == ("Amber Typed", "555-0100")


async def test_two_entries_are_merged_with_a_look_first_and_divided_again(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    await office.log(await office.make_task(patient=office.patients[1], reason="Of Birch"))
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    await look_for(page, "amber")
    await page.get_by_role("link", name="Amber Testwell").click()
    await page.get_by_role("button", name="Merge …").click()
    await page.get_by_role("searchbox", name="The other patient").fill("birch")
    await page.get_by_role("radio", name="Birch Testwell, 555-0100").check()
    plan = page.get_by_text("1 task (1 open) with 1 contact, and 0 appointments, go to")
    await expect(plan).to_contain_text("Amber Testwell")
    assert await barriers(page, axe) == []
    await page.get_by_role("button", name="Merge", exact=True).click()
    merges = section(page, "Merged into this patient")
    await expect(merges).to_contain_text("Birch Testwell, 555-0100")
    await expect(merges).to_contain_text("1 task came over")
    await expect(section(page, "Open tasks")).to_contain_text("Of Birch")
    assert await barriers(page, axe) == []
    await supervisor.load(f"/#/patients/{patient_id(server, 1)}")
    await expect(page.get_by_role("heading", name="Amber Testwell")).to_be_visible()
    assert page.url.endswith(patient_id(server, 0))
    await rename(office, "Amber Since")
    await merges.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("another name, number, contact status or merge")).to_be_visible()
    await page.get_by_role("button", name="Undo anyway").click()
    await expect(page.get_by_text("Birch Testwell is a patient again.").first).to_be_visible()
    await expect(merges).to_be_hidden()
    await expect(section(page, "Open tasks")).to_contain_text("Nothing to call for")
    assert (await Task.get(reason="Of Birch")).patient_id == office.patients[1].id


async def test_a_patient_merged_elsewhere_becomes_the_survivor_on_an_open_page(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    page = agent.page
    await agent.load(f"/#/patients/{patient_id(server, 1)}")
    await expect(page.get_by_role("heading", name="Birch Testwell")).to_be_visible()
    ids = [patient.id for patient in office.patients[:2]]
    await office.changes.make(office.supervisor, merge_patients, *ids)
    await expect(page.get_by_role("heading", name="Amber Testwell")).to_be_visible()
    await expect(page).to_have_url(f"{server.url}/#/patients/{patient_id(server, 0)}")


async def test_nothing_stays_on_the_screen_when_the_session_ends_but_what_was_typed_comes_back(
    server: Server, sign_in: SignIn
) -> None:
    key = server.office.keys["supervisor"]
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    await supervisor.load(f"/#/patients/{patient_id(server, 0)}")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Name").fill("Amber Typed")
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#sign-in")).to_be_visible()
    await expect(page.locator("#patient-name")).to_have_text("")
    await supervisor.enter(key)
    await expect(page.get_by_role("textbox", name="Name")).to_have_value("Amber Typed")

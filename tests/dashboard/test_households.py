"""Households in the dialog, where one call is logged on their tasks, and on the patient's page."""

import pytest
from playwright.async_api import expect

from models.contact import Contact
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_dialog import part
from tests.dashboard.test_other_tasks import contacts_of, row, this_call
from tests.dashboard.test_page import barriers_by_day_and_night
from tests.dashboard.test_patients import look_for, section
from tests.serving import Server
from tests.work.families import answer, family, guarantors

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALIKE = "Same outcome, same day, no notes"


async def test_the_dialog_lists_the_household_and_logs_each_task_on_its_own(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    office = server.office
    mother, child = await family(office)
    agent, beside = await sign_in(), await sign_in("supervisor")
    await agent.open("Amber Testwell", "Cleaning overdue")
    others = part(agent, "other-tasks")
    await expect(others).to_contain_text(
        "Household: Amber Testwell (answers for all), Birch Testwell."
    )
    await expect(row(agent, "Birch Testwell: Cleaning overdue")).to_be_visible()
    await expect(this_call(agent, "Birch Testwell")).to_have_value("leave")
    held = beside.rows.filter(has_text=f"With {office.staff.name}")
    await expect(held).to_have_count(2)
    assert await barriers_by_day_and_night(agent.page, axe) == []
    day = str(office.today)
    await agent.choose("Left Message")
    await agent.set_date(day)
    await agent.write("About her crown")
    await expect(agent.page.locator("#why-log")).to_contain_text("stay as they are")
    await this_call(agent, "Birch Testwell").select_option(ALIKE)
    await expect(agent.page.locator("#why-log")).to_contain_text("Also logged on 1 other task.")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    assert await contacts_of(mother) == await contacts_of(child) == [("LEFT_MESSAGE", day, False)]
    notes = {contact.task_id: contact.notes for contact in await Contact.all()}
    assert notes == {mother.id: "About her crown", child.id: None}


async def test_the_dialog_follows_who_comes_into_the_household(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    mother, _ = await family(office)
    agent = await sign_in("supervisor")
    await agent.open("Amber Testwell", "Cleaning overdue")
    await expect(part(agent, "others").locator("li")).to_have_count(1)
    clover = office.patients[2]
    await office.make_task(patient=clover, reason="No show")
    assert not (await answer(office, clover.id, mother.patient_id)).refusals
    await expect(row(agent, "Clover Testwell: No show")).to_be_visible()
    await expect(this_call(agent, "Clover Testwell")).to_have_value("leave")


async def test_who_answers_is_set_on_the_patients_page(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    amber, birch, _ = server.office.patients
    page = (await sign_in("supervisor")).page
    await look_for(page, "birch")
    await page.get_by_role("link", name="Birch Testwell").click()
    household = section(page, "Household")
    await expect(household).to_contain_text("Nobody else")
    await household.get_by_role("button", name="Who answers for the patient …").click()
    dialog = page.get_by_role("dialog", name="Who answers for Birch Testwell?")
    await dialog.get_by_label("The patient who answers for this one").fill("amber")
    await dialog.get_by_role("radio", name="Amber Testwell").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(household).to_contain_text("Amber Testwell")
    await expect(household).to_contain_text("answers for all")
    assert await guarantors(server.office) == {birch.id: amber.id}
    # A circle is refused, and what was chosen stays.
    await household.get_by_role("link", name="Amber Testwell").click()
    await expect(page.get_by_role("heading", name="Amber Testwell")).to_be_visible()
    await household.get_by_role("button", name="Who answers for the patient …").click()
    dialog = page.get_by_role("dialog", name="Who answers for Amber Testwell?")
    await dialog.get_by_label("The patient who answers for this one").fill("birch")
    await dialog.get_by_role("radio", name="Birch Testwell").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("cannot answer for each other")
    await expect(dialog.get_by_role("radio", name="Birch Testwell")).to_be_checked()
    await page.keyboard.press("Escape")
    await household.get_by_role("link", name="Birch Testwell").click()
    await household.get_by_role("button", name="Who answers for the patient …").click()
    await page.get_by_role("button", name="Nobody else answers").click()
    await expect(household).to_contain_text("Nobody else")
    assert await guarantors(server.office) == {}

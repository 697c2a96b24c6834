"""How patients are reached: numbers, wrong ones, the language and what the caller is to know."""

import pytest
from playwright.async_api import expect

from gql_app.work.patient_details import Details, TypedPhone
from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.reads.patients import patient_now
from models.phone import PhoneKind
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORE = Details(
    PhoneKind.MOBILE,
    [TypedPhone("217 555 0143", PhoneKind.WORK)],
    "es",
    "Call the daughter <b>first</b>",
)


async def give_more(server: Server) -> None:
    """Amber's numbers, language and note."""
    office = server.office
    changes = PatientChanges(phone="217 555 0123", details=MORE)
    done = await office.changes.make(
        office.supervisor, update_patient, office.patients[0].id, changes
    )
    assert done.refusals == ()


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_a_wrong_number_is_struck_through_and_the_next_is_offered_to_all(
    server: Server, sign_in: SignIn, axe: str, by: str
) -> None:
    await give_more(server)
    await server.office.make_task()
    agent, beside = await sign_in(), await sign_in("supervisor")
    await agent.open("Amber Testwell")
    await beside.row("Amber Testwell").click()
    dialog, phone = agent.dialog, agent.dialog.locator("[data-part=phone]")
    await expect(phone).to_have_text("(217) 555-0123")
    reach = dialog.locator("[data-part=reach]")
    await expect(reach).to_contain_text("Call the daughter <b>first</b>")
    await expect(reach).to_contain_text("Speaks Spanish")
    await expect(reach.get_by_role("link")).to_have_text("(217) 555-0143")
    await expect(reach).to_contain_text("work")
    assert await barriers(agent.page, axe) == []

    await agent.write("Half a thought")
    button = dialog.get_by_role("button", name="Wrong number")
    await (button.click() if by == "mouse" else button.press("Enter"))
    await expect(phone).to_have_text("(217) 555-0143")
    await expect(phone).to_have_attribute("href", "tel:+12175550143")
    await expect(reach.locator("s")).to_have_text("(217) 555-0123")
    await expect(agent.page.get_by_label("Notes")).to_have_value("Half a thought")
    await expect(beside.dialog.locator("[data-part=phone]")).to_have_text("(217) 555-0143")
    assert await barriers(agent.page, axe) == []
    await button.press("Enter")
    await expect(phone).to_have_text("No number is right")
    await expect(phone).not_to_have_attribute("href", "tel:+12175550143")
    await expect(button).to_be_hidden()
    patient = await patient_now(server.office.practice.id, server.office.patients[0].id)
    assert patient is not None
    assert [p.is_wrong for p in patient.phones] == [True, True]


async def test_numbers_language_and_note_are_edited_on_the_patients_page(
    server: Server, sign_in: SignIn, axe: str
) -> None:
    await give_more(server)
    await server.office.make_task()
    agent = await sign_in("supervisor")
    page = agent.page
    await agent.open("Amber Testwell")
    await page.get_by_role("link", name="All about this patient").click()
    person = page.locator(".person")
    await expect(person).to_contain_text("Call the daughter")
    await expect(person).to_contain_text("Speaks Spanish")
    await page.get_by_role("button", name="Edit").click()
    form = page.locator(".form-dialog[open]")
    await expect(form.get_by_label("Other numbers")).to_have_value("work (217) 555-0143")
    await expect(form.get_by_label("Kind of this number")).to_have_value("MOBILE")
    await form.get_by_label("Other numbers").fill("work 217 555 0143\nnobody")
    await form.get_by_label("Language").fill("Klingon")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("no phone number that can be called")
    await expect(form).to_contain_text("A language is a tag")
    await expect(form.get_by_label("Other numbers")).to_be_focused()
    assert await barriers(page, axe) == []
    await form.get_by_label("Other numbers").fill("home 217 555 0163\n(217) 555-0143")
    await form.get_by_label("Language").fill("")
    await form.get_by_label("For the caller").fill("After noon")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_be_hidden()
    numbers = person.get_by_role("list", name="Numbers")
    await expect(numbers.get_by_role("link")).to_have_text(
        ["(217) 555-0123", "(217) 555-0163", "(217) 555-0143"]
    )
    await expect(person).to_contain_text("After noon")
    await expect(person).not_to_contain_text("Spanish")

    await numbers.get_by_role("button", name="Wrong number").first.click()
    await expect(numbers.locator("s")).to_have_text("(217) 555-0123")
    assert await barriers(page, axe) == []
    await numbers.get_by_role("button", name="Right after all").press("Enter")
    await expect(numbers.locator("s")).to_have_count(0)

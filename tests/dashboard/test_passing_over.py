"""The ways out of a call that was not made, Skip and Postpone; and why there is no next task."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from models.lifecycle import TaskStatus
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_claims import is_free
from tests.dashboard.visits import Visit
from tests.schema.test_postponing import SET
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

REASON = "The line was busy"


async def take_next(agent: Visit, patient: str) -> None:
    await agent.page.keyboard.press("n")
    await expect(agent.page.locator("#contact-title")).to_have_text(patient)


async def make_two(server: Server) -> tuple[Task, Task]:
    """Amber's task, then Birch's."""
    office = server.office
    amber = await office.make_task(follow_up=office.today)
    return amber, await office.make_task(patient=office.patients[1])


@pytest.mark.parametrize("by", ["button", "keyboard"])
async def test_skip_releases_the_patient_and_takes_the_next_one(
    server: Server, sign_in: SignIn, by: str
) -> None:
    amber, _ = await make_two(server)
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    await take_next(agent, "Amber Testwell")
    await agent.write("Half a thought")
    if by == "button":
        await agent.page.get_by_role("button", name="Skip").click()
    else:
        await agent.page.keyboard.press("Control+.")
    await expect(agent.page.locator("#contact-title")).to_have_text("Birch Testwell")
    await is_free(server, amber)

    await agent.page.keyboard.press("Control+.")
    await expect(agent.page.locator("#contact")).to_be_hidden()
    toast = agent.page.locator("#toast")
    await expect(toast).to_contain_text("Everybody who is due was skipped by you")
    await expect(toast).to_contain_text("Next task offers what you skipped again.")
    await take_next(agent, "Amber Testwell")
    await expect(agent.page.get_by_label("Notes")).to_have_value("Half a thought")


@pytest.mark.parametrize("by", ["button", "keyboard"])
async def test_a_task_is_postponed_and_the_reason_stands_in_its_history(
    server: Server, sign_in: SignIn, by: str
) -> None:
    amber, _ = await make_two(server)
    day = server.office.today + timedelta(days=3)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    if by == "button":
        await agent.page.get_by_role("button", name="Postpone").click()
    else:
        await agent.page.keyboard.press("Control+;")
    form = agent.page.locator(".form-dialog")
    await expect(form).to_contain_text("Postpone: Amber Testwell")
    await form.get_by_role("button", name="Postpone").click()
    await expect(form.get_by_label("Why")).to_be_focused()
    await expect(form).to_contain_text("Say why the patient is called another day.")
    await form.get_by_label("Call on").fill(str(day))
    await form.get_by_label("Why").fill(REASON)
    await form.get_by_role("button", name="Postpone").click()
    await expect(form).to_be_hidden()
    await expect(agent.page.locator("#contact")).to_be_hidden()
    await expect(agent.page.locator("#toast")).to_contain_text("Amber Testwell: postponed to")
    await is_free(server, amber)
    await amber.refresh_from_db()
    assert (amber.follow_up, amber.contact_count, amber.status) == (day, 0, TaskStatus.OPEN)

    await agent.open("Amber Testwell")
    history = agent.page.locator("[data-part=history] li")
    await expect(history).to_have_count(1)
    await expect(history).to_contain_text("Postponed to")
    await expect(history).to_contain_text(REASON)
    await expect(history).to_contain_text("Staff of maple")
    await expect(agent.page.locator("[data-part=attempts]")).to_have_text("0 attempts")


async def test_what_was_typed_to_postpone_is_kept_with_the_draft_and_not_in_the_page(
    server: Server, sign_in: SignIn
) -> None:
    await make_two(server)
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.page.get_by_role("button", name="Postpone").click()
    form = agent.page.locator(".form-dialog")
    await form.get_by_label("Why").fill(REASON)
    await agent.page.keyboard.press("Escape")
    await agent.page.keyboard.press("Escape")
    await expect(agent.page.locator("#contact")).to_be_hidden()
    assert await form.get_by_label("Why").input_value() == ""
    await agent.open("Birch Testwell")
    await agent.page.get_by_role("button", name="Postpone").click()
    await expect(form.get_by_label("Why")).to_have_value("")
    await agent.page.keyboard.press("Escape")
    await agent.page.keyboard.press("Escape")
    await expect(agent.page.locator("#contact")).to_be_hidden()
    await expect(agent.page).to_have_url(re.compile("#/tasks$|/$"))  # the address has been left
    await agent.page.reload()
    await agent.is_live()
    await agent.open("Amber Testwell")
    await agent.page.get_by_role("button", name="Postpone").click()
    await expect(form.get_by_label("Why")).to_have_value(REASON)


async def test_who_was_called_today_is_not_next_and_says_so_when_opened(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    first, _ = [
        await office.make_task(queue, follow_up=office.today)
        for queue in (office.recall, office.missed)
    ]
    await office.log(first)
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    await agent.page.keyboard.press("n")
    toast = agent.page.locator("#toast")
    await expect(toast).to_have_text(
        "Everybody who is due was called today already. The next task comes tomorrow."
    )
    await agent.open("Amber Testwell", "Missed appointments")
    rests = agent.page.locator("[data-part=rests]")
    await expect(rests).to_have_text(re.compile(r"^Was called at \d+:\d\d [AP]M today\.$"))
    await agent.page.keyboard.press("Escape")
    await expect(rests).to_have_text("")

    # Where it is off nobody is warned, from now on.
    await server.data(SET, "admin", hours=0)
    await agent.page.reload()
    await agent.is_live()
    await agent.open("Amber Testwell", "Missed appointments")
    await expect(agent.page.locator("[data-part=history] li")).to_have_count(1)
    await expect(rests).to_be_hidden()


async def test_the_next_follow_up_is_told_where_nothing_is_due(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task(follow_up=office.today + timedelta(days=1))
    agent = await sign_in()
    await expect(agent.rows).to_have_count(1)
    await agent.page.get_by_role("button", name="Next task").click()
    await expect(agent.page.locator("#toast")).to_have_text(
        "Nobody is due to be called. The next task comes tomorrow."
    )


async def test_the_rest_is_set_in_the_settings(server: Server, sign_in: SignIn) -> None:
    agent = await sign_in("admin")
    await agent.page.get_by_role("link", name="Settings").click()
    await agent.page.get_by_role("link", name="Practice", exact=True).click()
    rest = agent.page.get_by_label("Rest after a call")
    save = agent.page.get_by_role("button", name="Save")
    await expect(rest).to_have_value("")
    for typed, wrong in (("soon", "A number of hours"), ("721", "hours up to 720")):
        await rest.fill(typed)
        await save.click()
        await expect(agent.page.locator("#settings .error", has_text=wrong)).to_be_visible()
        await expect(rest).to_have_value(typed)
    await rest.fill("24")
    await save.click()
    await expect(agent.page.locator("#toast")).to_contain_text("Saved.")
    await server.office.practice.refresh_from_db()
    assert server.office.practice.rest_hours == 24

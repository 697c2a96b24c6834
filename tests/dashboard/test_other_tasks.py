"""The patient's other open tasks in the dialog: one call, logged on all of them."""

from datetime import timedelta

import pytest
from playwright.async_api import Locator, Route, expect

from models.contact import Contact, ContactUndo
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import tab_to
from tests.dashboard.test_dialog import part
from tests.dashboard.test_page import CUT_OFF, barriers_by_day_and_night
from tests.dashboard.test_tasks import log
from tests.dashboard.visits import Visit, lose_the_answer
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEAVE, CLOSE, OWN = "Leave as it is", "Same outcome, close it", "Another outcome …"


def row(agent: Visit, reason: str) -> Locator:
    return part(agent, "others").locator("li", has_text=reason)


def this_call(agent: Visit, reason: str) -> Locator:
    return row(agent, reason).get_by_label("This call")


async def three(server: Server) -> list[Task]:
    office = server.office
    return [
        await office.make_task(),
        await office.make_task(office.missed, reason="No show"),
        await office.make_task(office.missed, reason="Plan presented"),
    ]


async def opened(sign_in: SignIn, number: int = 2) -> Visit:
    """An agent who has opened the first task, and sees that there are so many others."""
    agent = await sign_in()
    await agent.open("Amber Testwell", "Cleaning overdue")
    await expect(part(agent, "others").locator("li")).to_have_count(number)
    return agent


async def contacts_of(task: Task) -> list[tuple[str, str | None, bool]]:
    rows = await Contact.filter(task_id=task.id).order_by("id")
    return [(row.outcome.value, str(row.follow_up or "") or None, row.closed_task) for row in rows]


async def test_log_contact_takes_them_along_and_undo_takes_all_back(
    server: Server, sign_in: SignIn
) -> None:
    tasks = await three(server)
    agent = await opened(sign_in)
    page, date = agent.page, str(server.office.today + timedelta(days=3))
    await agent.choose("Left Message")
    await agent.set_date(date)
    await expect(page.locator("#why-log")).to_have_text("Also logged on 2 other tasks.")
    await expect(page.locator("#why-close")).to_have_text(
        "The other tasks stay as they are. The follow-up date is dropped."
    )
    await agent.write("With her son")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(page.locator("#toast")).to_contain_text("Also on 2 other tasks.")
    for task in tasks:
        assert await contacts_of(task) == [("LEFT_MESSAGE", date, False)]
    assert {contact.notes for contact in await Contact.all()} == {"With her son"}
    await expect(agent.rows.filter(has_text="Left Message")).to_have_count(3)
    await expect(page.locator("#undo")).to_be_visible()
    await page.keyboard.press("u")
    await expect(page.locator("#toast")).to_have_text("Undone. Amber Testwell is as before.")
    assert await ContactUndo.all().count() == 3
    await expect(agent.rows.filter(has_text="Left Message")).to_have_count(0)


async def test_what_has_moved_on_since_is_not_undone_and_the_page_says_so(
    server: Server, sign_in: SignIn
) -> None:
    tasks = await three(server)
    agent = await opened(sign_in)
    await agent.choose("No Answer")
    await agent.set_date(server.office.today)
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    await log(server, tasks[1], "supervisor")
    await expect(agent.page.locator("#undo")).to_be_visible()
    await agent.page.keyboard.press("u")
    await expect(agent.page.locator("#toast")).to_contain_text("Not undone on 1 of 3 tasks.")
    assert await ContactUndo.all().count() == 2


async def test_log_and_close_closes_only_what_was_chosen(server: Server, sign_in: SignIn) -> None:
    task, second, third = await three(server)
    agent = await opened(sign_in)
    await agent.choose("Scheduled")
    await expect(row(agent, "No show")).to_contain_text("It stays as it is")
    await expect(agent.page.locator("#why-close")).to_have_text("The other tasks stay as they are.")
    await this_call(agent, "Plan presented").select_option(CLOSE)
    await expect(agent.page.locator("#why-close")).to_have_text("Also logged on 1 other task.")
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()
    assert await contacts_of(task) == [("SCHEDULED", None, True)]
    assert await contacts_of(second) == []
    assert await contacts_of(third) == [("SCHEDULED", None, True)]


async def test_each_may_have_an_outcome_of_its_own_by_the_keyboard_alone(
    server: Server, sign_in: SignIn
) -> None:
    task, second, third = await three(server)
    agent = await opened(sign_in)
    keyboard, date = agent.page.keyboard, server.office.today + timedelta(days=3)
    await keyboard.press("Space")
    await tab_to(agent.page.get_by_label("Follow-up date"))
    await keyboard.type(f"{date:%m%d%Y}")
    await tab_to(this_call(agent, "No show"))
    await keyboard.type("Another")
    own = row(agent, "No show")
    await tab_to(own.get_by_label("Outcome"))
    await keyboard.type("Did")
    await expect(agent.log).to_be_disabled()
    await expect(agent.log_and_close).to_be_disabled()
    await expect(own).to_contain_text("why the patient did not schedule")
    await tab_to(own.get_by_label("Notes"))
    await keyboard.type("Moves in May")
    await tab_to(this_call(agent, "Plan presented"))
    await keyboard.type("Leave")
    await expect(agent.page.locator("#why-log")).to_have_text("Also logged on 1 other task.")
    await keyboard.press("Control+Enter")
    await expect(agent.dialog).to_be_hidden()
    assert await contacts_of(task) == [("NO_ANSWER", str(date), False)]
    assert await contacts_of(second) == [("DID_NOT_SCHEDULE", str(date), False)]
    assert (await Contact.get(task_id=second.id)).notes == "Moves in May"
    assert await contacts_of(third) == []


async def test_all_may_be_left_at_once(server: Server, sign_in: SignIn) -> None:
    task, second, _ = await three(server)
    agent = await opened(sign_in)
    await agent.page.get_by_role("button", name="None of them").click()
    for reason in ("No show", "Plan presented"):
        await expect(this_call(agent, reason)).to_have_value("leave")
    await agent.choose("No Answer")
    await agent.set_date(server.office.today)
    await expect(agent.page.locator("#why-log")).to_have_text("The other tasks stay as they are.")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    assert len(await contacts_of(task)) == 1
    assert await contacts_of(second) == []


async def test_a_task_that_expires_before_that_day_stays_as_it_is(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    soon = office.clock() + timedelta(days=2)
    task = await office.make_task()
    short = await office.make_task(office.missed, reason="No show", expires_at=soon)
    agent = await opened(sign_in, 1)
    await agent.choose("No Answer")
    await agent.set_date(office.today + timedelta(days=9))
    await expect(row(agent, "No show")).to_contain_text("It stays as it is. The task expires on")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    assert len(await contacts_of(task)) == 1
    assert await contacts_of(short) == []


async def test_a_refusal_stands_at_its_task_and_keeps_all_that_was_typed(
    server: Server, sign_in: SignIn
) -> None:
    task, second, third = await three(server)
    agent = await opened(sign_in)
    await agent.choose("Left Message")
    await agent.set_date(server.office.today)
    await agent.write("Called twice")
    await this_call(agent, "No show").select_option(OWN)
    await row(agent, "No show").get_by_label("Notes").fill("Half a thought")
    refused = False

    async def close_one_first(route: Route) -> None:
        nonlocal refused
        if not refused and "logContact" in (route.request.post_data or ""):
            refused = True
            # As if a supervisor's change had not reached this page yet.
            await Task.filter(id=second.id).update(status="CLOSED", close_cause="WITHDRAWN")
        await route.continue_()

    await agent.page.route("**/graphql", close_one_first)
    await agent.log.click()
    await expect(part(agent, "errors")).to_contain_text("Not logged. What you typed is kept.")
    await expect(part(agent, "errors")).to_contain_text("See what is said at the other open tasks.")
    await expect(row(agent, "No show").get_by_role("alert")).to_contain_text("The task is closed")
    await expect(row(agent, "Plan presented").get_by_role("alert")).to_be_hidden()
    await expect(row(agent, "No show").get_by_label("Notes")).to_have_value("Half a thought")
    await expect(agent.page.locator("#notes")).to_have_value("Called twice")
    assert await Contact.all().count() == 0
    await log(server, third, "staff")  # which has the page ask for the patient's tasks anew
    await expect(row(agent, "Plan presented")).to_contain_text("tomorrow")
    await expect(row(agent, "No show")).to_contain_text("It was closed meanwhile")
    await expect(row(agent, "No show").get_by_label("Notes")).to_have_value("Half a thought")
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    assert len(await contacts_of(task)) == 1
    assert await contacts_of(second) == []


async def test_choices_survive_a_reload_and_a_lost_answer_is_logged_once(
    server: Server, sign_in: SignIn
) -> None:
    task, second, third = await three(server)
    agent = await opened(sign_in)
    page = agent.page
    await agent.choose("No Answer")
    await agent.set_date(server.office.today)
    await this_call(agent, "No show").select_option(CLOSE)
    await this_call(agent, "Plan presented").select_option(OWN)
    await row(agent, "Plan presented").get_by_label("Close it").check()
    await page.reload()
    await expect(this_call(agent, "No show")).to_have_value("close")
    await expect(row(agent, "Plan presented").get_by_label("Close it")).to_be_checked()

    await page.route("**/graphql", lose_the_answer)
    await agent.log.click()
    await expect(part(agent, "errors")).to_contain_text("try again")
    await page.unroute("**/graphql")
    await page.reload()
    await expect(part(agent, "history").locator("li")).to_have_count(3)
    await agent.log.click()
    await expect(agent.dialog).to_be_hidden()
    await expect(page.locator("#toast")).to_contain_text("Also on 2 other tasks.")
    for one in (task, second, third):
        assert len(await contacts_of(one)) == 1


async def test_what_was_typed_for_one_patient_is_not_shown_with_the_next(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await three(server)
    await office.make_task(patient=office.patients[1])
    agent = await opened(sign_in)
    await this_call(agent, "No show").select_option(OWN)
    await row(agent, "No show").get_by_label("Notes").fill("Half a thought")
    await agent.page.keyboard.press("Escape")
    await expect(agent.dialog).to_be_hidden()
    assert "Half a thought" not in await agent.page.content()
    await agent.open("Birch Testwell")
    await expect(part(agent, "no-history")).to_have_text("Nobody has called yet.")
    await expect(part(agent, "other-tasks")).to_be_hidden()
    await expect(agent.page.locator("#why-log")).to_have_text("Choose an outcome.")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
async def test_they_have_no_barrier_and_are_not_cut_off(
    server: Server, sign_in: SignIn, axe: str, width: int, height: int
) -> None:
    await three(server)
    agent = await sign_in(viewport={"width": width, "height": height})
    await agent.open("Amber Testwell", "Cleaning overdue")
    await agent.choose("Left Message")
    await this_call(agent, "No show").select_option(OWN)
    await expect(row(agent, "No show").get_by_label("Close it")).to_be_visible()
    assert await barriers_by_day_and_night(agent.page, axe) == []
    assert await agent.page.evaluate(CUT_OFF) == []


async def test_where_nothing_can_be_logged_there_is_nothing_to_choose(
    server: Server, sign_in: SignIn
) -> None:
    await three(server)
    partner = await sign_in("partner")
    await partner.row("Cleaning overdue").click()
    await expect(part(partner, "others").locator("li")).to_have_count(2)
    await expect(this_call(partner, "No show")).to_be_hidden()
    await expect(partner.page.get_by_role("button", name="None of them")).to_be_hidden()


async def test_a_patient_with_one_task_loads_nothing_more(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await expect(part(agent, "no-history")).to_have_text("Nobody has called yet.")
    assert not [url for url in agent.requests if "other-task" in url]

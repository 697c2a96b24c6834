"""The last attempt at the dashboard: a task waits for a supervisor. And a patient who calls."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from models.contact import Contact
from models.practice import Queue
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_after_the_last_attempt_a_supervisor_lets_a_task_go_on(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    task, _ = await office.make_task(), await office.make_task(patient=office.patients[1])
    await Queue.filter(id=office.recall.id).update(max_attempts=1)
    agent, boss = await sign_in(), await sign_in("supervisor")
    await agent.open("Amber Testwell")
    await agent.choose("No Answer")
    await agent.set_date(office.today + timedelta(days=1))
    await agent.log.click()
    await expect(agent.row("Amber Testwell")).to_contain_text("Needs review")

    await boss.page.get_by_label("Status").select_option("Needs review")
    await expect(boss.page.locator("[role=row].row")).to_have_count(1)
    await expect(boss.page.locator(".queues")).to_contain_text("1 to review")
    await boss.open("Amber Testwell")
    notice = boss.page.locator("#contact [data-part=review]")
    await expect(notice).to_contain_text("Called often enough for this queue: 1 contact.")
    await boss.page.get_by_role("button", name="Call once more").click()

    await expect(notice).to_be_hidden()
    await expect(agent.row("Amber Testwell")).not_to_contain_text("Needs review")
    await task.refresh_from_db()
    assert task.review_since is None
    await boss.page.keyboard.press("Escape")
    await expect(boss.page.locator("[role=row].row")).to_have_count(0)

    await agent.open("Amber Testwell")
    await expect(agent.page.get_by_role("button", name="Call once more")).to_have_count(0)


async def test_who_calls_is_logged_while_another_has_them_claimed(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task()
    holder, agent = await sign_in("supervisor"), await sign_in()
    await holder.open("Amber Testwell")
    await agent.row("Amber Testwell").click()
    await agent.choose("Scheduled")
    await expect(agent.page.locator("[data-part=why-close]")).to_contain_text("has claimed")

    called = agent.page.get_by_label("The patient has called us")
    await called.focus()
    await agent.page.keyboard.press("Space")
    await agent.page.keyboard.press("Control+Shift+Enter")

    await expect(agent.page.locator("#toast")).to_contain_text("Scheduled, closed")
    contact = await Contact.get()
    assert contact.is_incoming
    assert not (await Task.get()).status.is_open
    await expect(holder.page.locator("[data-part=history] li").first).to_contain_text(
        "Called us: Scheduled"
    )

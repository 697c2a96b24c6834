"""The audit's page, for admins."""

import pytest
from playwright.async_api import expect

from tests.dashboard.conftest import SignIn
from tests.office import task_id
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = "query ($id: ID!) { task(id: $id) { reason } }"


async def test_an_admin_finds_who_saw_a_patient(server: Server, sign_in: SignIn) -> None:
    office = server.office
    first, other = [await office.make_task(patient=p) for p in office.patients[:2]]
    await server.data(READ, "partner", id=task_id(first))
    await server.data(READ, "staff", id=task_id(other))
    admin = await sign_in("admin")
    page = admin.page
    await page.get_by_role("link", name="Audit").click()
    await expect(page).to_have_title("Audit \u2013 Callboard")
    rows = page.locator("#audit-rows tr")
    await expect(rows.filter(has_text="Supervisor of maple").first).to_contain_text("Changed")
    await page.get_by_role("searchbox", name="Patient or phone").last.fill("Amber")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#audit-any-patient")).to_contain_text("Only Amber Testwell")

    async def shown() -> None:
        await page.get_by_label("From").dispatch_event("change")
        await expect(rows.filter(has_text="Partner of maple")).to_contain_text(
            "Read, task", timeout=1_000
        )

    for _ in range(5):  # what was read is written within a second
        try:
            await shown()
            break
        except AssertionError:
            continue
    await shown()
    await expect(rows.filter(has_text="Birch Testwell")).to_have_count(0)
    await rows.filter(has_text="Partner of maple").get_by_role("button", name="Partner").click()
    await expect(page.locator("#audit-any-staff")).to_contain_text("Only Partner of maple")
    await expect(rows).to_have_count(1)
    await page.locator("#audit-any-patient").click()
    await page.locator("#audit-any-staff").click()
    await expect(rows.filter(has_text="Sign-in")).to_have_count(1)


async def test_nobody_else_has_the_page(server: Server, sign_in: SignIn) -> None:
    supervisor = await sign_in("supervisor")
    page = supervisor.page
    await expect(page.locator("#to-audit")).to_be_hidden()
    await page.goto(f"{server.url}/#/audit")
    await expect(page.locator("#tasks")).to_be_visible()
    await expect(page.locator("#audit")).to_be_hidden()

"""What takes long on the server has more time, and is not said to have failed if no answer came."""

import pytest
from playwright.async_api import Page, Route, expect

from models.practice import Queue
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_people import of_person, settings
from tests.dashboard.test_settings import listed, of_queue
from tests.serving import Server
from tests.support import access

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_MINUTES_ARE_SHORT = """{
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms === 120_000 ? 300 : ms);
}"""


async def lose_answers(page: Page, mutation: str) -> None:
    """Have the server carry out a mutation, and the page never hear of it."""
    await page.evaluate(TWO_MINUTES_ARE_SHORT)

    async def carry_out(route: Route) -> None:
        if mutation in (route.request.post_data or ""):
            await route.fetch()
        else:
            await route.continue_()

    await page.route("**/graphql", carry_out)


async def test_a_queue_that_is_archived_after_the_page_has_given_up_is_shown_so(
    server: Server, sign_in: SignIn
) -> None:
    page = await settings(sign_in, "Queues")
    await lose_answers(page, "archiveQueue")
    await of_queue(page, "Archive", "Overdue recall").click()
    await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(page.locator("#toast")).to_contain_text("may still be archiving Overdue recall")
    await expect(listed(page)).to_have_text(["Missed appointments"])
    assert (await Queue.get(id=server.office.recall.id)).archived_at is not None


async def test_a_person_who_is_retired_after_a_proxy_or_the_page_has_given_up_is_shown_so(
    server: Server, sign_in: SignIn
) -> None:
    await access.invite(server.office.changes, server.office.practice, "Kim")
    page = await settings(sign_in, "People")
    toast = page.locator("#toast")

    async def give_up(route: Route) -> None:
        if "retireStaff" in (route.request.post_data or ""):
            await route.fulfill(status=504, body="Gateway Time-out")
        else:
            await route.continue_()

    await page.route("**/graphql", give_up)
    await of_person(page, "Retire", "Kim").click()
    await page.get_by_role("button", name="Retire", exact=True).click()
    await expect(toast).to_contain_text("may still be retiring Kim")
    await expect(of_person(page, "Change", "Kim")).to_be_focused()
    await page.unroute_all()

    await lose_answers(page, "retireStaff")
    await of_person(page, "Retire", "Kim").click()
    await page.get_by_role("button", name="Retire", exact=True).click()
    await page.get_by_text("Retired", exact=True).click()
    await expect(of_person(page, "Bring back", "Kim")).to_be_visible()
    await expect(toast).to_contain_text("may still be retiring Kim")

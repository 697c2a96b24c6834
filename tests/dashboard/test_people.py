"""People and keys in the settings: invited by a link that is opened in another browser, changed and
retired; a key that is shown once, rotated and revoked."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from gql_app.access import Unauthenticated, authenticate
from gql_app.work.archiving import archive_queue
from gql_app.work.queues import update_queue
from models.access import AccessKey, KeyKind
from models.roles import Role
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_account import with_device
from tests.dashboard.test_page import LIGHT_AND_DARK, barriers
from tests.dashboard.visits import Visit
from tests.serving import Server
from tests.support import access

pytestmark = pytest.mark.asyncio(loop_scope="session")


def of_person(page: Page, act: str, name: str) -> Locator:
    """The button of a person that does so."""
    return page.get_by_role("button", name=f"{act} \u2068{name}\u2069")


async def settings(sign_in: SignIn, section: str, **options: object) -> Page:
    admin: Visit = await sign_in("admin", **options)
    await admin.page.get_by_role("link", name="Settings").click()
    await admin.page.get_by_role("link", name=section, exact=True).click()
    await expect(admin.page.get_by_role("heading", name=section, exact=True)).to_be_visible()
    return admin.page


async def test_somebody_is_invited_in_another_browser_changed_retired_and_brought_back(
    server: Server, browser: Browser, sign_in: SignIn
) -> None:
    page = await settings(sign_in, "People")
    toast = page.locator("#toast")
    await expect(page.get_by_text("Nobody has been invited yet")).to_be_visible()
    await page.get_by_role("button", name="Invite somebody").click()
    await page.get_by_label("Name", exact=True).fill("Kim Newhand")
    await page.get_by_label("Only these:").check()
    await page.get_by_label("Missed appointments").check()
    await page.get_by_role("button", name="Make the link").click()
    await expect(
        page.get_by_text(f"open Callboard at http://localhost:{server.port}.")
    ).to_be_visible()
    link = await page.get_by_label("Link", exact=True).input_value()
    rows = page.locator("#settings .rows li")
    await expect(rows).to_contain_text("Staff, Missed appointments")
    await expect(rows).to_contain_text("the link ends")

    async with with_device(browser, server) as arrive:
        kim, _, _ = await arrive(link.removeprefix(f"http://localhost:{server.port}"))
        await kim.page.get_by_role("button", name="Make a passkey").click()
        await kim.is_live()
        await expect(kim.queue("Missed appointments")).to_be_visible()
        await expect(kim.queue("Overdue recall")).to_have_count(0)

        await page.get_by_role("button", name="Done").click()
        await of_person(page, "Change", "Kim Newhand").click()
        await page.get_by_label("Name", exact=True).fill("Kim Longhand")
        await page.get_by_role("button", name="Save").click()
        await expect(toast).to_have_text("Saved.")
        await expect(rows).to_contain_text("Kim Longhand")
        await kim.is_live()

        await of_person(page, "Change", "Kim Longhand").click()
        await page.get_by_label("Role", exact=True).select_option("Supervisor")
        await page.get_by_label("All queues").check()
        await page.get_by_role("button", name="Save").click()
        await expect(toast).to_contain_text("They sign in again")
        await expect(kim.page.locator("#sign-in-error")).to_contain_text("revoked or changed")
        await kim.page.get_by_role("button", name="Use a passkey").click()
        await kim.is_live()
        await expect(kim.page.locator("#who")).to_have_text("Kim Longhand, supervisor")

        await of_person(page, "Retire", "Kim Longhand").click()
        await expect(page.get_by_text("is signed out everywhere at once")).to_be_visible()
        await page.get_by_role("button", name="Retire", exact=True).click()
        await expect(kim.page.locator("#sign-in-error")).to_contain_text("revoked or changed")
    await page.get_by_text("Retired", exact=True).click()
    await of_person(page, "Bring back", "Kim Longhand").click()
    await expect(page.get_by_label("Link", exact=True)).to_be_visible()
    assert await AccessKey.filter(kind=KeyKind.PERSON, revoked_at=None).count() == 1


async def test_what_is_refused_is_said_beside_its_field_and_what_was_typed_is_kept(
    server: Server, sign_in: SignIn
) -> None:
    await access.invite(server.office.changes, server.office.practice, "Kim")
    page = await settings(sign_in, "People")
    await page.get_by_role("button", name="Invite somebody").click()
    form = page.get_by_role("form", name="Invite somebody")
    await form.get_by_label("Name", exact=True).fill("Kim")
    await form.get_by_label("E-mail address").fill("kim@maple.example")
    await form.get_by_label("Only these:").check()
    await form.get_by_role("button", name="Make the link").click()
    await expect(form.get_by_text("Name a queue, or let them see all of them.")).to_be_visible()
    await form.get_by_label("All queues").check()
    await form.get_by_role("button", name="Make the link").click()
    await expect(form.get_by_text("is called 'Kim' already")).to_be_visible()
    await expect(form.get_by_label("Name", exact=True)).to_be_focused()
    await expect(form.get_by_label("E-mail address")).to_have_value("kim@maple.example")
    await form.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Invite somebody")).to_be_focused()


async def test_a_new_name_takes_no_archived_queue_away(server: Server, sign_in: SignIn) -> None:
    office = server.office
    queues = [office.recall.id, office.missed.id]
    await access.invite(office.changes, office.practice, "Kim", queue_ids=queues)
    await archive_queue(office.changes, office.admin, office.missed.id)
    page = await settings(sign_in, "People")
    await of_person(page, "Change", "Kim").press("Enter")
    await expect(page.get_by_text("They may also see Missed appointments")).to_be_visible()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Kim Newhand")
    await page.keyboard.press("Enter")
    await expect(page.locator("#toast")).to_have_text("Saved.")
    (kim,) = await AccessKey.filter(kind=KeyKind.PERSON)
    assert kim.queue_ids == queues
    await of_person(page, "Change", "Kim Newhand").click()
    await page.get_by_label("All queues").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("They sign in again")
    await kim.refresh_from_db()
    assert kim.queue_ids is None


async def test_a_key_is_made_rotated_and_revoked_by_keyboard(
    server: Server, sign_in: SignIn
) -> None:
    page = await settings(sign_in, "Keys")
    await page.get_by_role("button", name="Make a key").press("Enter")
    await page.keyboard.type("Robot")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")  # it may create tasks
    await page.keyboard.press("Enter")
    shown = page.get_by_label("New key", exact=True)
    first = await shown.input_value()
    viewer = await authenticate(first)
    assert (viewer.name, viewer.role, viewer.may_create_tasks) == ("Robot", Role.PARTNER, True)
    await page.get_by_role("button", name="Done").press("Enter")
    assert first not in await page.content()
    row = page.locator("#settings .rows li", has_text="Robot")
    await expect(row).to_contain_text("Partner who may create tasks, all queues")
    await expect(row).to_contain_text("no end")

    await row.get_by_role("button", name="Rotate").press("Enter")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("3000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Give a number of days")).to_be_visible()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("3")
    await page.keyboard.press("Enter")
    second = await shown.input_value()
    assert (await authenticate(second)).key_id != viewer.key_id
    await page.get_by_role("button", name="Done").press("Enter")

    await page.get_by_role("button", name=f"Revoke key {viewer.key_id}").press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("is revoked")
    with pytest.raises(Unauthenticated):
        await authenticate(first)
    await page.get_by_role("button", name=f"Revoke key {server.office.admin.key_id}").click()
    await page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(page.locator("#toast")).to_contain_text("make somebody else an admin first")
    await page.get_by_text("Ended", exact=True).click()
    await expect(page.locator("details .rows li")).to_contain_text("revoked")


@LIGHT_AND_DARK
async def test_neither_section_has_a_barrier(
    server: Server, sign_in: SignIn, axe: str, color_scheme: str
) -> None:
    office = server.office
    for name in ("Kim", "Ada"):
        await access.invite(office.changes, office.practice, name)
    await access.retire(office.changes, office.practice, "Ada")
    page = await settings(sign_in, "People", color_scheme=color_scheme)
    await page.get_by_text("Retired", exact=True).click()
    await of_person(page, "Change", "Kim").click()
    await page.get_by_role("button", name="Invite somebody").click()
    await page.get_by_label("Only these:").last.check()
    assert await barriers(page, axe) == []
    await page.get_by_role("button", name="Cancel").last.click()
    await of_person(page, "New link for", "Kim").click()
    await of_person(page, "Retire", "Kim").click()
    await expect(page.get_by_label("Link", exact=True)).to_be_visible()
    assert await barriers(page, axe) == []
    await page.get_by_role("link", name="Keys", exact=True).click()
    await page.get_by_role("button", name="Make a key").click()
    await page.get_by_role("button", name="Rotate").first.click()
    assert await barriers(page, axe) == []


async def test_agents_have_no_settings_and_supervisors_no_people(sign_in: SignIn) -> None:
    agent = await sign_in()
    await expect(agent.page.get_by_role("link", name="Settings")).to_be_hidden()
    supervisor = await sign_in("supervisor")
    await supervisor.page.get_by_role("link", name="Settings").click()
    sections = supervisor.page.locator("#settings-names a")
    await expect(sections).to_have_text(["Import"])


async def test_the_focus_stays_when_others_change_the_list(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await access.invite(office.changes, office.practice, "Kim", queue_ids=[office.recall.id])
    await access.invite(office.changes, office.practice, "Lee")
    page = await settings(sign_in, "People")
    rows = page.locator("#settings .rows li")

    async def rename(name: str) -> None:
        given = {"name": name}
        await office.changes.make_for(office.practice.id, update_queue, office.recall.id, given)
        await expect(rows.filter(has_text=f"Staff, {name}")).to_be_visible()

    await of_person(page, "Change", "Lee").focus()
    await rename("Recall")
    await expect(of_person(page, "Change", "Lee")).to_be_focused()
    await of_person(page, "Change", "Lee").click()
    await page.get_by_label("Name", exact=True).fill("Leigh")
    await rename("Overdue")
    await expect(page.get_by_label("Name", exact=True)).to_be_focused()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Leigh")

"""Signing in, and the end of a session: by the page itself, elsewhere, or with its key."""

import pytest
from playwright.async_api import Browser, expect

from models.access import AccessKey
from tests.dashboard.conftest import SignIn
from tests.dashboard.visits import visiting
from tests.serving import Server
from tests.support.access import create_link, revoke_key

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_key_opens_the_list(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task(reason="Asked for a call")
    dashboard = await sign_in()
    await expect(dashboard.row("Amber Testwell", "Asked for a call")).to_be_visible()
    await expect(dashboard.page.locator("#who")).to_have_text("Staff of maple, staff")
    await dashboard.page.reload()
    await expect(dashboard.row("Amber Testwell")).to_be_visible()


async def test_a_wrong_key_is_told_so(server: Server, browser: Browser) -> None:
    async with visiting(browser, server.url) as visit:
        dashboard = await visit()
        await dashboard.type_key("cb_1_nonsense")
        await expect(dashboard.page.get_by_role("alert")).to_contain_text("not valid")
        await dashboard.enter(server.office.keys["staff"])


async def test_a_link_signs_in_once_and_leaves_the_address(
    server: Server, browser: Browser
) -> None:
    link = await create_link(server.office.keys["supervisor"])
    async with visiting(browser, server.url) as visit:
        dashboard = await visit(f"/#link={link}")
        await dashboard.is_live()
        assert link not in dashboard.page.url
        assert not any(link in url for url in dashboard.requests)
        again = await visit(f"/#link={link}")
        await expect(again.page.get_by_role("alert")).to_contain_text("used already")


async def test_signing_out_leaves_nothing_on_the_screen(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    await expect(dashboard.row("Amber Testwell")).to_be_visible()
    await dashboard.page.get_by_role("button", name="Sign out").click()
    await expect(dashboard.page.get_by_role("alert")).to_have_text("You are signed out.")
    assert "Testwell" not in await dashboard.page.content()
    await dashboard.page.reload()
    await expect(dashboard.page.get_by_label("Key", exact=True)).to_be_visible()


async def test_whoever_is_signed_out_elsewhere_finds_what_was_typed_after_signing_in(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    await dashboard.open("Amber Testwell")
    await dashboard.choose("Left Message")
    await dashboard.write("Asked to call after five.")
    other = await dashboard.page.context.new_page()
    await other.goto(server.url)
    await other.get_by_role("button", name="Sign out").click()
    alert = dashboard.page.locator("#sign-in-error")
    await expect(alert).to_contain_text("session has ended")
    await expect(alert).to_contain_text("What you typed is kept")
    await expect(dashboard.dialog).to_be_hidden()
    await dashboard.enter(server.office.keys["staff"])
    await expect(dashboard.dialog).to_be_visible()
    await expect(dashboard.page.get_by_label("Notes")).to_have_value("Asked to call after five.")
    await expect(dashboard.page.get_by_role("radio", name="Left Message")).to_be_checked()


async def test_another_who_signs_in_does_not_find_it(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    await dashboard.open("Amber Testwell")
    await dashboard.write("For my eyes.")
    session = f"{server.url}/session"
    await dashboard.page.request.delete(session, headers={"origin": server.url})
    await dashboard.enter(server.office.keys["supervisor"])
    await expect(dashboard.row("Amber Testwell")).to_be_visible()
    await expect(dashboard.dialog).to_be_hidden()


async def test_a_revoked_key_ends_the_session_and_says_so(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    key = await AccessKey.get(id=server.office.staff.key_id, practice_id=server.office.practice.id)
    await revoke_key(server.office.practice, key.id)
    await expect(dashboard.page.locator("#sign-in-error")).to_contain_text("revoked")
    assert "Testwell" not in await dashboard.page.content()

"""People at the dashboard: invited, with a passkey of Chromium's virtual authenticator; their
account; and the end of a session at which nobody sits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, expect

from models.access import AccessKey, KeyKind
from models.passkey import Passkey
from models.roles import Role
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_page import barriers
from tests.dashboard.visits import Visit, visiting
from tests.serving import Server
from tests.support import access
from tests.support.access import sign_in as sign_in_elsewhere
from tests.web.streams import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

Arrive = Callable[[str], Awaitable[tuple[Visit, CDPSession, str]]]


@asynccontextmanager
async def with_device(browser: Browser, server: Server) -> AsyncIterator[Arrive]:
    """Open a page by a host's name, in a browser that has a device with passkeys."""
    async with visiting(browser, f"http://localhost:{server.port}") as visit:

        async def arrive(path: str) -> tuple[Visit, CDPSession, str]:
            person = await visit()
            device = await person.page.context.new_cdp_session(person.page)
            await device.send("WebAuthn.enable")
            added = await device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
            await person.load(path)
            return person, device, added["authenticatorId"]

        yield arrive


async def invite(server: Server, role: Role = Role.STAFF) -> str:
    office = server.office
    token = await access.invite(office.changes, office.practice, "Kim Newhand", role)
    return f"/#invite={token}"


async def test_an_invited_person_makes_a_passkey_and_comes_back_with_it(
    server: Server, browser: Browser, axe: str
) -> None:
    await server.office.make_task()
    link = await invite(server)
    async with with_device(browser, server) as arrive:
        person, _, _ = await arrive(link)
        page = person.page
        said = page.get_by_text("Maple Dental invites you, Kim Newhand")
        await expect(said).to_be_visible()
        assert "invite" not in page.url
        assert await barriers(page, axe) == []
        await page.get_by_role("button", name="Make a passkey").click()
        await person.is_live()
        await expect(page.locator("#who")).to_have_text("Kim Newhand, staff")
        await expect(person.row("Amber Testwell")).to_be_visible()

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("alert")).to_have_text("You are signed out.")
        assert await barriers(page, axe) == []
        await page.get_by_role("button", name="Use a passkey").click()
        await person.is_live()

        await page.locator("#who").click()
        await expect(page.locator("#last-sign-in")).to_contain_text("before this one was at")
        await expect(page.locator("#sessions li")).to_have_count(1)
        await expect(page.locator("#passkeys li")).to_contain_text("Made with Chrome on Linux")
        assert await barriers(page, axe) == []

        await person.load(link)
        await expect(page.get_by_role("alert")).to_contain_text("has been used already")


async def test_passkeys_are_added_and_removed_and_a_removed_one_signs_nobody_in(
    server: Server, browser: Browser
) -> None:
    async with with_device(browser, server) as arrive:
        person, device, authenticator = await arrive(await invite(server))
        page = person.page
        await page.get_by_role("button", name="Make a passkey").click()
        await person.is_live()
        await page.locator("#who").click()
        toast = page.locator("#toast")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(toast).to_contain_text("has a passkey of yours already")

        await device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
        await device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.locator("#passkeys li")).to_have_count(2)
        await page.get_by_role("button", name="Remove the passkey").last.click()
        await expect(page.locator("#passkeys li")).to_have_count(1)
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("may have been removed")
        assert await Passkey.all().count() == 1


async def test_where_pages_have_a_number_for_a_name_there_is_no_passkey_to_use(
    server: Server, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        dashboard = await visit()
        await expect(dashboard.page.get_by_label("Key", exact=True)).to_be_visible()
        await expect(dashboard.page.get_by_role("button", name="Use a passkey")).to_be_hidden()
        await dashboard.load(await invite(server))
        await expect(dashboard.page.get_by_role("alert")).to_have_text(
            "Browsers make no passkeys at a number such as 127.0.0.1: open Callboard at"
            f" http://localhost:{server.port}."
        )


async def test_the_browser_keeps_the_cookie_that_is_this_hosts_alone(sign_in: SignIn) -> None:
    dashboard = await sign_in()
    cookies: dict[str, Any] = {
        cookie["name"]: cookie for cookie in await dashboard.page.context.cookies()
    }
    assert cookies["__Host-callboard"]["secure"]
    assert cookies["__Host-callboard"]["httpOnly"]
    await dashboard.page.context.clear_cookies(name="callboard")
    await dashboard.load()
    await dashboard.is_live()


async def test_one_ends_ones_session_on_another_device(server: Server, sign_in: SignIn) -> None:
    dashboard = await sign_in()
    await sign_in_elsewhere(server.office.keys["staff"])
    await dashboard.load("/#/account")
    page = dashboard.page
    await page.reload()
    await expect(page.locator("#sessions li")).to_have_count(2)
    await page.get_by_role("button", name="End the session").click()
    await expect(page.locator("#toast")).to_have_text("The session has ended.")
    await expect(page.locator("#sessions li")).to_have_count(1)
    await expect(page.locator("#sessions li")).to_contain_text("This session")
    await dashboard.is_live()


async def test_a_session_at_which_nobody_sits_ends_and_what_was_typed_is_kept(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    await dashboard.open("Amber Testwell")
    await dashboard.write("Asked to call after five.")
    sessions = AccessKey.filter(kind=KeyKind.SESSION)
    idle = timedelta(minutes=30)
    await sessions.update(last_used_at=datetime.now(UTC) - idle + timedelta(seconds=30))
    toast = dashboard.dialog.locator(".toast")
    await expect(toast).to_contain_text("if you do nothing until then")
    await sessions.update(last_used_at=datetime.now(UTC) - idle)
    alert = dashboard.page.locator("#sign-in-error")
    await expect(alert).to_contain_text("because nothing was done here for a while")
    await expect(alert).to_contain_text("What you typed is kept")
    assert "Testwell" not in await dashboard.page.content()
    await dashboard.enter(server.office.keys["staff"])
    await expect(dashboard.page.get_by_label("Notes")).to_have_value("Asked to call after five.")


async def test_the_page_reports_that_somebody_is_there_but_not_each_time(
    server: Server, sign_in: SignIn
) -> None:
    dashboard = await sign_in()
    page, reports = dashboard.page, [0]

    def count(method: str) -> None:
        reports[0] += method == "PUT"

    page.on("request", lambda request: count(request.method))
    await page.clock.install()
    await dashboard.load()
    await dashboard.is_live()

    async def reported() -> bool:
        return reports[0] == 1

    await eventually(reported)
    for step in range(20):
        await page.mouse.move(100 + step, 200)
    assert reports[0] == 1
    await page.clock.fast_forward(61_000)
    assert reports[0] == 1, "time alone is no activity"
    await page.mouse.move(300, 200)

    async def reported_again() -> bool:
        return reports[0] == 2

    await eventually(reported_again)

"""The connection lost: the page says so, keeps what it shows, and is equal to a fresh one later."""

import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from models.database import opened
from models.lifecycle import ContactOutcome
from tests.dashboard.conftest import SignIn
from tests.dashboard.visits import visiting
from tests.flows.commands import free_port, running, serves
from tests.office import make_office
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_server_is_killed_and_started_again_under_the_page(
    browser: Browser, sqlite_template: Path, tmp_path: Path
) -> None:
    database = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with opened(database), visiting(browser, url) as visit:
        office = await make_office()
        tasks = [await office.make_task(patient=patient) for patient in office.patients]
        serve = ("serve", "--port", port)
        async with running(*serve, CALLBOARD_DATABASE_URL=database) as server:
            await serves(url)
            dashboard = await visit()
            await dashboard.enter(office.keys["staff"])
            await expect(dashboard.rows).to_have_count(3)
            await server.end(signal.SIGKILL)
        banner = dashboard.page.locator("#lost")
        await expect(banner).to_contain_text("Connection lost. What you see is as of")
        await expect(dashboard.page.locator("html")).to_have_attribute("data-connection", "lost")
        await expect(dashboard.rows).to_have_count(3)
        # While nobody serves: one moves, one goes, one comes.
        await office.log(tasks[0], ContactOutcome.LEFT_MESSAGE)
        await office.log(tasks[1], ContactOutcome.SCHEDULED, close=True)
        await office.make_task(office.missed, reason="Came in meanwhile")
        asked = len(dashboard.requests)
        async with running(*serve, CALLBOARD_DATABASE_URL=database):
            await serves(url)
            await dashboard.is_live()
            await expect(banner).to_be_hidden()
            await expect(dashboard.row("Came in meanwhile")).to_be_visible()
            # The feed has brought it, from its cursor on: the page has only asked for the time.
            assert len(dashboard.requests) <= asked + 1
            fresh = await visit()
            await fresh.enter(office.keys["staff"])
            await expect(fresh.rows).to_have_count(3)
            assert await dashboard.shown() == await fresh.shown()


async def test_a_line_that_has_gone_dead_is_noticed_within_20_seconds(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    sockets: list[WebSocketRoute] = []

    def listen(socket: WebSocketRoute) -> None:
        """The first socket goes dead once it is live; later ones work."""
        far = socket.connect_to_server()
        sockets.append(socket)
        is_first = len(sockets) == 1

        def forward(text: str | bytes) -> None:
            if not (is_first and "heard enough" in said):
                socket.send(text)

        far.on_message(forward)

    said: set[str] = set()
    await dashboard.page.route_web_socket("**/graphql", listen)
    await dashboard.page.clock.install()
    await dashboard.page.reload()
    await dashboard.is_live()
    await expect(dashboard.rows).to_have_count(1)
    said.add("heard enough")
    # The client's clock is set back: it is the time that passes that counts.
    await dashboard.page.clock.set_system_time(datetime.now(UTC) - timedelta(hours=1))
    await dashboard.page.clock.run_for(15_000)
    await expect(dashboard.page.locator("#lost")).to_be_hidden()
    await dashboard.page.clock.run_for(5_000)
    await expect(dashboard.page.locator("#lost")).to_contain_text("Connection lost")
    await expect(dashboard.rows).to_have_count(1)
    await dashboard.page.clock.run_for(2_000)
    await dashboard.is_live()
    assert len(sockets) == 2


async def test_a_list_that_could_not_be_loaded_is_when_the_connection_is_back(
    server: Server, sign_in: SignIn
) -> None:
    await server.office.make_task()
    dashboard = await sign_in()
    await expect(dashboard.rows).to_have_count(1)
    await dashboard.page.route("**/graphql", lambda route: route.abort())
    await dashboard.queue("Overdue recall").click()
    await expect(dashboard.page.locator("#note")).to_contain_text("cannot be reached")
    await dashboard.page.unroute("**/graphql")
    await dashboard.page.evaluate("dispatchEvent(new Event('offline'))")
    await dashboard.is_live()
    await expect(dashboard.rows).to_have_count(1)


async def test_a_browser_without_a_network_says_so_at_once(server: Server, sign_in: SignIn) -> None:
    dashboard = await sign_in()
    await dashboard.page.evaluate("dispatchEvent(new Event('offline'))")
    await expect(dashboard.page.locator("#lost")).to_be_visible()
    await dashboard.page.evaluate("dispatchEvent(new Event('online'))")
    await dashboard.is_live()

"""A real browser at the dashboard of a real server. Without Chromium these tests are skipped."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.conftest import Furnished
from tests.dashboard.groups import Group, make_group
from tests.dashboard.visits import Visit, visiting
from tests.npm import install
from tests.office import find_office
from tests.serving import Server, serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",  # the tests may run as root, and see pages of our own only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

SignIn = Callable[..., Awaitable[Visit]]
Oversee = Callable[..., Awaitable[Visit]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, once for all tests: they have contexts of their own in it."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not there; on Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server(
    sqlite_office: Furnished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    """A server over a database of its own, which looks often whether sessions still hold."""
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)
    url = f"sqlite://{shutil.copy(sqlite_office.name, tmp_path / 'callboard.sqlite3')}"
    async with serving(url, make=lambda: find_office(sqlite_office.keys)) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def sign_in(browser: Browser, server: Server) -> AsyncIterator[SignIn]:
    """Open the dashboard in a browser of its own and sign in with the key of a role; `options` are
    those of a browser context."""
    async with visiting(browser, server.url) as visit:

        async def sign_in(role: str = "staff", **options: object) -> Visit:
            dashboard = await visit(**options)
            await dashboard.enter(server.office.keys[role])
            return dashboard

        yield sign_in


@pytest_asyncio.fixture(loop_scope="session")
async def group(server: Server) -> Group:
    return await make_group(server)


@pytest_asyncio.fixture(loop_scope="session")
async def oversee(browser: Browser, group: Group) -> AsyncIterator[Oversee]:
    """Open the dashboard in a browser of its own, as the group's supervisor."""
    async with visiting(browser, group.server.url) as visit:

        async def oversee(**options: object) -> Visit:
            dashboard = await visit(f"/#link={await group.link()}", **options)
            await dashboard.is_live()
            return dashboard

        yield oversee


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which looks for barriers in a page."""
    folder = install(Path(__file__).with_name("npm"), tmp_path_factory.mktemp("axe") / "npm")
    return (folder / "node_modules/axe-core/axe.min.js").read_text()

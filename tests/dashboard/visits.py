"""Somebody at the dashboard: what they see and do, in the words of the page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Route,
    expect,
)

PATIENCE_MS = 10_000
"""Milliseconds after which a page has been waited for long enough."""

expect.set_options(timeout=PATIENCE_MS)

TELL_OF_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""

EXPECTED = (
    "401 (Unauthorized)",
    "503 (Service Unavailable)",
    "504 (Gateway Timeout)",
    "ERR_CONNECTION_REFUSED",
    "ERR_FAILED",
    "WebSocket connection to",
)
"""What Chromium itself writes of a request without a session, and of a server that is away."""


@dataclass
class Visit:
    """A page of the dashboard; `problems` is what the console says of it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def load(self, path: str = "/") -> None:
        await self.page.goto(self.url + path)

    async def tab(self) -> "Visit":
        """Another page in the same browser, which is signed in as this one is."""
        tab = Visit(await self.page.context.new_page(), self.url, self.problems)
        _listen(tab)
        return tab

    async def enter(self, key: str) -> None:
        """Sign in with a key, and wait until the dashboard is live."""
        await self.type_key(key)
        await self.is_live()

    async def type_key(self, key: str) -> None:
        await self.page.get_by_label("Key", exact=True).fill(key)
        await self.page.get_by_role("button", name="Sign in").click()

    async def is_live(self) -> None:
        await expect(self.page.locator("#state")).to_have_text("Live")

    @property
    def rows(self) -> Locator:
        return self.page.locator("#grid .row")

    def row(self, *texts: str) -> Locator:
        """The row in which all of these can be read."""
        row = self.rows
        for text in texts:
            row = row.filter(has_text=text)
        return row

    def queue(self, name: str) -> Locator:
        return self.page.locator(".queues button", has_text=name)

    async def open(self, *texts: str) -> None:
        """Open a task for which nobody has been called, and wait until the claim is there."""
        await self.row(*texts).click()
        await expect(self.dialog).to_be_visible()
        await expect(self.row(*texts)).to_contain_text("With you")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("button", name="Log Contact", exact=True)

    @property
    def log_and_close(self) -> Locator:
        return self.page.get_by_role("button", name="Log and Close Task", exact=True)

    async def choose(self, outcome: str) -> None:
        await self.page.get_by_role("radio", name=outcome).check()

    async def set_date(self, date: object) -> None:
        await self.page.get_by_label("Follow-up date").fill(str(date))

    async def write(self, notes: str) -> None:
        await self.page.get_by_label("Notes").fill(notes)

    async def shown(self) -> dict[str, Any]:
        """All rows, and the queues with their counts, as they can be read."""
        return {
            "rows": await self.rows.all_inner_texts(),
            "queues": await self.page.locator(".queues button").all_inner_texts(),
        }


@asynccontextmanager
async def visiting(browser: Browser, url: str) -> AsyncIterator[Callable[..., Awaitable[Visit]]]:
    """A function that opens the dashboard in a browser of its own. At the end no page may have
    broken its content policy, or have told of an error."""
    visits: list[Visit] = []
    contexts: list[BrowserContext] = []

    async def visit(path: str = "/", **options: Any) -> Visit:
        context = await browser.new_context(**options)
        contexts.append(context)
        await context.add_init_script(TELL_OF_VIOLATIONS)
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(await context.new_page(), url)
        visits.append(visit)
        _listen(visit)
        await visit.load(path)
        return visit

    yield visit
    for context in contexts:
        await context.close()
    problems = [problem for visit in visits for problem in visit.problems]
    assert problems == [], problems


def _listen(visit: Visit) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(t in message.text for t in EXPECTED):
            visit.problems.append(message.text)

    def asked(request: Request) -> None:
        visit.requests.append(request.url)

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))
    visit.page.on("request", asked)


async def lose_the_answer(route: Route) -> None:
    """A route by which a contact is logged, and the page never hears of it."""
    if "logContact" not in (route.request.post_data or ""):
        return await route.continue_()
    await route.fetch()
    return await route.abort()

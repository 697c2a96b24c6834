"""Each view asks the server a few things, however little or much there is to show."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Locator, Page, expect

from models.lifecycle import ContactOutcome
from models.task import Task
from tests.dashboard.asking import Asking, resync
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_tasks import log, many
from tests.office import Office
from tests.serving import PATIENCE, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

WATCHED = 5.0
"""Seconds for which requests are counted. They have to pass: there is nothing to wait for."""


DONE = "2 today"
"""What the page says when all has come that was done meanwhile."""


class View(NamedTuple):
    """A view: how it is opened, by whom, and the most that it may post from the loading of the page
    on: at once, and then with each second in which something changes."""

    open: Callable[[Page], Awaitable[object]]
    most: int
    each_second: int = 0
    role: str = "staff"


def queue(name: str) -> Callable[[Page], Awaitable[object]]:
    return lambda page: page.locator(".queues button", has_text=name).click()


def status(name: str) -> Callable[[Page], Awaitable[object]]:
    return lambda page: page.get_by_label("Status", exact=True).select_option(name)


def search(words: str) -> Callable[[Page], Awaitable[object]]:
    return lambda page: page.locator("#search").fill(words)


async def the_first(page: Page) -> None:
    """The view that is there at first."""
    await expect(page.locator("#note")).not_to_have_text("Loading …")


async def board(page: Page) -> None:
    await page.get_by_role("link", name="Board").click()


async def dialog(page: Page) -> None:
    # A patient with one task: a claim changes all tasks of its patient.
    await page.locator("#grid .row", has_text="Birch").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()


# The page asks who the viewer is, and for a list: one page of it, another where there are more, and
# one again with a fresh snapshot. A filter asks for two pages more.
LISTS = {
    "all queues": View(the_first, 4),
    "one queue": View(queue("Overdue recall"), 6),
    "another queue": View(queue("Missed appointments"), 6),
    "open": View(status("Open"), 6),
    "in progress": View(status("Open + In Progress"), 6),
    "closed": View(status("Closed"), 6),
    "overdue": View(lambda page: page.get_by_label("Overdue only").check(), 6),
    "a patient": View(search("Amber"), 6),
    "nobody": View(search("Zzyzx"), 6),
}
# The board asks who is at work, and for supervisors what was done: each second while things change.
BOARDS = {
    "an agent's board": View(board, 5, each_second=1),
    "a supervisor's board": View(board, 6, each_second=2, role="supervisor"),
}
# It claims the task, renews that with a fresh snapshot, asks for the patient's past each time, and
# again while things change.
DIALOG = {"the dialog": View(dialog, 8, each_second=1)}


async def too_much(
    views: dict[str, View], sign_in: SignIn, work: Callable[[], Awaitable[None]] | None = None
) -> dict[str, object]:
    """The views that ask more than they may, with the requests that they post and the streams that
    they begin: when they are opened, with a fresh snapshot, and in some seconds after it."""
    people = {role: await sign_in(role) for role in ("staff", "supervisor")}
    looks = [Asking(await people[view.role].tab()) for view in views.values()]
    for asking, view in zip(looks, views.values(), strict=True):
        await asking.begin()
        await asking.visit.is_live()
        await view.open(asking.page)
    for asking in looks:
        await asking.begin_stream_again()
    begun = time.monotonic()
    if work is not None:
        await work()
        for asking in looks:
            await expect(asking.visit.queue("All queues")).to_contain_text(DONE)
    await looks[0].page.wait_for_timeout(WATCHED * 1000)
    seconds = 0 if work is None else time.monotonic() - begun
    asked = {
        name: {"posts": len(asking.posts), "streams": len(asking.streams)}
        for name, asking in zip(views, looks, strict=True)
    }
    return {
        name: figures
        for (name, figures), view in zip(asked.items(), views.values(), strict=True)
        if figures["posts"] > view.most + view.each_second * seconds or figures["streams"] > 2
    }


async def test_no_view_of_an_empty_practice_goes_on_asking(server: Server, sign_in: SignIn) -> None:
    assert await too_much(LISTS | BOARDS, sign_in) == {}


async def test_no_view_of_a_full_practice_goes_on_asking(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await fill(office)
    tasks = [await office.make_task(patient=patient) for patient in office.patients[1:]]

    async def work() -> None:
        for number in range(10):
            await log(server, tasks[number % 2], followUp=str(office.today))

    assert await too_much(LISTS | BOARDS | DIALOG, sign_in, work) == {}


async def fill(office: Office) -> None:
    """More tasks than a list asks for at first, and some for each filter."""
    await many(office, 200)
    await Task.filter(reason="Number 0").update(follow_up="2020-01-31", due_on="2020-01-31")
    await office.make_task()
    await office.make_task(office.missed)
    done = await office.make_task(office.missed, patient=office.patients[2])
    await office.log(done, ContactOutcome.SCHEDULED, close=True)


REFUSED_AT_ONCE = """
const ask = window.fetch;
window.refused = 0;
window.fetch = (url, asked) => {
  if (!window.isAway || !JSON.parse(asked?.body ?? '{}').variables?.after) return ask(url, asked);
  window.refused += 1;
  return Promise.reject(new TypeError('away'));
};
window.isAway = true;
"""
"""No second page can be had of a list, which is known before the next frame is drawn."""


async def test_a_page_that_cannot_be_had_is_not_asked_for_with_each_frame(
    server: Server, sign_in: SignIn
) -> None:
    await fill(server.office)
    tab = await (await sign_in()).tab()
    await tab.page.add_init_script(REFUSED_AT_ONCE)
    await tab.load()
    await expect(tab.page.locator("#toast")).to_contain_text("cannot be reached")
    await tab.page.wait_for_timeout(WATCHED * 1000)
    assert await tab.page.evaluate("window.refused") <= 3
    await tab.page.evaluate("window.isAway = false")
    await tab.page.mouse.move(*await middle(tab.page.locator("#grid")))
    note = tab.page.locator("#note")
    async with asyncio.timeout(PATIENCE):
        while await note.inner_text() != "202 tasks":
            await tab.page.mouse.wheel(0, 100)  # whoever scrolls on has it tried again
            await tab.page.wait_for_timeout(100)


async def middle(element: Locator) -> tuple[float, float]:
    box = await element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def test_a_stream_that_will_not_begin_is_not_begun_at_once_again(sign_in: SignIn) -> None:
    def answer(message: dict[str, Any]) -> dict[str, Any] | None:
        if message["type"] == "connection_init":
            return {"type": "connection_ack"}
        return resync(message) if message["type"] == "subscribe" else None

    asking = Asking(await (await sign_in()).tab(), answer)
    await asking.begin()
    await asking.page.wait_for_timeout(WATCHED * 1000)
    assert 2 <= len(asking.streams) <= 12

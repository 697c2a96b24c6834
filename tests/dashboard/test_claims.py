"""A tab and its claim: renewed, lost, claimed again, and never held unseen; and whose tab it is."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from gql_app.schema.context import Services
from gql_app.schema.ids import global_id
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.dashboard.test_contacts import RELEASE
from tests.dashboard.test_tasks import AT_ONCE, CLAIM
from tests.dashboard.visits import visiting
from tests.office import task_id
from tests.serving import PATIENCE, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELD = "query ($id: ID!) { task(id: $id) { claim { id by { name } until } } }"
LOGGED_BY = "query ($id: ID!) { task(id: $id) { lastContact { loggedBy { name } } } }"
IMPORT = "mutation ($input: ImportTasksInput!) { importTasks(input: $input) { errors { code } } }"


CLOSED_TASK = """async () => {
  const { Store } = await import('/dashboard/store.js');
  const store = new Store();
  const createdAt = '2026-11-27T12:00:00Z';
  const task = (taskId, patient) => ({ taskId, version: 2, createdAt, patient });
  const [before, after] = [{ id: 'p', name: 'Before' }, { id: 'p', name: 'After' }];
  store.put({ ...task('', before), id: btoa('Task:1') });
  store.put({ ...task('', { id: 'q', name: 'Another' }), id: btoa('Task:2') });
  const snapshot = task(btoa('Task:3'), after);
  store.take({ __typename: 'TaskEvent', kind: 'PATIENT_CHANGED', snapshot });
  return [...store.tasks.values()].map(({ patient }) => patient.name);
}"""
"""What a closed task, which has no event, shows of a patient whose name has changed."""

LINE = """async () => {
  const { told } = await import('/dashboard/ticker.js');
  const at = '2026-11-27T12:00:00Z';
  const queue = { name: 'Recall' };
  const event = (kind, name, id = name) => ({ kind, at, task: { patient: { id, name }, queue } });
  const contact = { contact: { outcome: 'SCHEDULED' }, closeCause: 'CONTACT' };
  const logged = { ...event('CONTACT_LOGGED', 'Amber'), ...contact };
  const made = [1, 2].map((id) => event('CREATED', 'Birch', id)); // called the same
  const rows = [event('PATIENT_CHANGED', 'Amber'), ...made];
  const line = ({ what, patient, queue, actor }) => [what, patient, queue, actor];
  const call = [logged, logged, { ...logged, contact: { outcome: 'NO_ANSWER' } }];
  return [[logged, event('RELEASED', 'Amber')], rows, call].map((events) => line(told(events)));
}"""
"""Lines of the ticker for changes of several kinds at once, and for a call with two outcomes."""
AMBER = ["\u2068Amber\u2069", "\u2068Recall\u2069", "the clock"]


async def claim_of(server: Server, task: Task) -> dict[str, Any] | None:
    claim: dict[str, Any] | None = (await server.data(HELD, id=task_id(task)))["task"]["claim"]
    return claim


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await check():
            await asyncio.sleep(0.05)


async def is_free(server: Server, task: Task) -> None:
    async def free() -> bool:
        return await claim_of(server, task) is None

    await until(free)


async def test_of_two_tabs_with_one_patient_each_says_what_becomes_of_its_claim(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    first = await sign_in()
    await first.open("Amber Testwell")
    await first.write("Half a thought")
    second = await first.tab()
    await second.load()
    await second.is_live()
    await second.open("Amber Testwell")
    notice = first.dialog.locator("[data-part=claim]")
    await expect(notice).to_contain_text("You have lost your claim")
    await expect(notice).to_contain_text("in another tab")
    # The older one is closed: the newer keeps the claim.
    held = await claim_of(server, task)
    await first.page.bring_to_front()
    await first.page.keyboard.press("Escape")
    await expect(first.dialog).to_be_hidden()
    assert await claim_of(server, task) == held
    await first.open("Amber Testwell")  # and takes it over, for now it is the newer one
    lost = second.dialog.locator("[data-part=claim]")
    await expect(lost).to_contain_text("in another tab")
    # The newer one is closed: the older says so at once, and offers to claim again.
    await second.write("Something else")
    await first.page.close()
    await expect(lost).to_contain_text("You have released it in another tab")
    assert await claim_of(server, task) is None
    await second.page.get_by_role("button", name="Claim again").click()
    await expect(lost).to_be_hidden()
    await expect(second.page.get_by_label("Notes")).to_have_value("Something else")
    async with asyncio.timeout(PATIENCE):  # the notice goes before the answer comes
        while (await claim_of(server, task) or {}).get("by") != {"name": "Staff of maple"}:
            await asyncio.sleep(0.02)


async def test_a_claim_that_others_end_or_take_is_said_to_be_lost(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    await agent.choose("Scheduled")
    await server.data(RELEASE, "supervisor", id=task_id(task))
    notice = agent.dialog.locator("[data-part=claim]")
    await expect(notice).to_contain_text("Supervisor of maple has released it")
    await expect(agent.log_and_close).to_be_enabled()  # nobody else has the patient
    again = agent.page.get_by_role("button", name="Claim again")
    await server.data(CLAIM, "supervisor", id=task_id(task))
    await expect(agent.log_and_close).to_be_disabled()
    await expect(again).to_be_disabled()
    await server.data(RELEASE, "supervisor", id=task_id(task))
    await expect(again).to_be_enabled()
    await again.click()
    await expect(notice).to_be_hidden()
    await expect(agent.page.get_by_role("radio", name="Scheduled")).to_be_checked()
    await agent.log_and_close.click()
    await expect(agent.dialog).to_be_hidden()


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of two seconds, in place of ten minutes."""
    begin = Services.__init__

    def short(
        self: Services, changes: Any, feeds: Any, clock: Any, lease: Any, **other: Any
    ) -> None:
        begin(self, changes, feeds, clock, lease / 300, **other)

    monkeypatch.setattr(Services, "__init__", short)


@pytest.mark.usefixtures("short_lease")
async def test_an_open_dialog_keeps_its_claim_and_tells_of_it_when_it_cannot(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.open("Amber Testwell")
    first = await claim_of(server, task)
    assert first is not None

    async def renewed() -> bool:
        now = await claim_of(server, task)
        assert now is not None
        assert now["id"] == first["id"]
        return bool(now["until"] > first["until"])

    await until(renewed)  # though nothing is typed
    await agent.page.context.set_offline(True)
    await agent.page.route("**/graphql", lambda route: route.abort())
    notice = agent.dialog.locator("[data-part=claim]")
    await expect(notice).to_contain_text("Its time is up")
    await is_free(server, task)


async def test_a_claim_whose_answer_is_lost_is_given_back(server: Server, sign_in: SignIn) -> None:
    office = server.office
    first = await office.make_task()
    second = await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    going, done = asyncio.Event(), asyncio.Event()

    async def lose(route: Route) -> None:
        """The server carries it out; the answer is held up, and then lost."""
        if "Task(" not in str(route.request.post_data) or done.is_set():
            return await route.continue_()
        await route.fetch()
        going.set()
        await done.wait()
        return await route.abort()

    await agent.page.route("**/graphql", lose)
    following = agent.page.locator("#next")
    await following.click()
    await asyncio.wait_for(going.wait(), PATIENCE)
    await expect(following).to_be_disabled()
    await expect(following).to_have_attribute("aria-busy", "true")
    await expect(following).to_have_text("Finding a task …")
    assert await claim_of(server, first) is not None
    done.set()
    await is_free(server, first)
    await expect(following).to_have_text("Next task")
    await expect(following).to_be_enabled()
    # An open dialog whose claim was made after all has it.
    going.clear()
    done.clear()
    await agent.row("Birch Testwell").click()
    await asyncio.wait_for(going.wait(), PATIENCE)
    done.set()
    await expect(agent.dialog.locator("[data-part=claim]")).to_be_hidden()
    assert await claim_of(server, second) is not None
    await agent.page.keyboard.press("Escape")
    await is_free(server, second)


async def test_who_opens_a_row_while_the_next_task_is_found_holds_one_of_them(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    first = await office.make_task()
    second = await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    opened = asyncio.Event()

    async def late(route: Route) -> None:
        if "claimNextTask" in str(route.request.post_data):
            answer = await route.fetch()
            await opened.wait()
            return await route.fulfill(response=answer)
        return await route.continue_()

    await agent.page.route("**/graphql", late)
    await agent.page.locator("#next").click()
    await agent.open("Birch Testwell")
    opened.set()
    await is_free(server, first)
    assert await claim_of(server, second) is not None
    await expect(agent.dialog.get_by_role("heading", name="Birch Testwell")).to_be_visible()


async def test_of_two_people_who_sign_in_in_two_tabs_the_first_writes_nothing_as_the_second(
    server: Server, browser: Browser
) -> None:
    task = await server.office.make_task()
    keys = server.office.keys
    async with visiting(browser, server.url) as visit:
        first = await visit()
        second = await first.tab()
        await second.load()
        await first.page.bring_to_front()
        await first.enter(keys["staff"])
        await first.open("Amber Testwell")
        await first.choose("Scheduled")
        await first.write("Mine.")
        await second.enter(keys["supervisor"])
        alert = first.page.locator("#sign-in-error")
        await expect(alert).to_contain_text("Somebody else has signed in")
        await expect(alert).to_contain_text("What you typed is kept")
        await expect(second.page.locator("#who")).to_have_text("Supervisor of maple, supervisor")
        await first.enter(keys["staff"])
        await expect(first.page.get_by_label("Notes")).to_have_value("Mine.")
        await expect(second.page.locator("#sign-in-error")).to_contain_text("Somebody else")
        await first.log_and_close.click()
        await expect(first.dialog).to_be_hidden()
    made = await server.data(LOGGED_BY, id=task_id(task))
    assert made["task"]["lastContact"]["loggedBy"] == {"name": "Staff of maple"}


async def bring(server: Server, name: str, phone: str, *external_ids: str) -> None:
    """Import tasks of one patient who is called `name` now; each into a queue of its own."""
    queues = (server.office.recall, server.office.missed)
    for external_id, queue in zip(external_ids, queues, strict=False):
        row = {"externalId": external_id, "patientExternalId": "p1", "reason": "Cleaning overdue"}
        given = {"queueId": global_id("Queue", queue.id), "source": "robot"}
        rows = [{**row, "name": name, "phone": phone}]
        answer = await server.data(IMPORT, "supervisor", input={**given, "rows": rows})
        assert answer["importTasks"]["errors"] == []


async def test_a_patients_new_name_and_number_are_shown_wherever_they_stand(
    server: Server, sign_in: SignIn
) -> None:
    await bring(server, "Fern Testwell", "(217) 555-0123", "t1", "t2")
    agent, watcher = await sign_in(), await sign_in("supervisor")
    await watcher.page.get_by_role("link", name="Board").click()
    await agent.page.get_by_role("row", name="Fern Testwell").first.click()
    await expect(agent.dialog.get_by_role("heading", name="Fern Testwell")).to_be_visible()
    ticker = watcher.page.locator("#ticker li")
    await expect(ticker.first).to_contain_text("(2 tasks)")  # both are claimed, in one line
    await agent.choose("Scheduled")
    await bring(server, "Fern Newname", "(217) 555-0199", "t1")
    heading = agent.dialog.get_by_role("heading", name="Fern Newname")
    await expect(heading).to_be_visible(timeout=AT_ONCE)
    phone = agent.dialog.locator("[data-part=phone]")
    await expect(phone).to_have_attribute("href", re.compile("2175550199"), timeout=AT_ONCE)
    await expect(agent.row("Fern Newname")).to_have_count(2)
    await expect(agent.dialog.locator("[data-part=changes]")).to_contain_text(
        "Name: Fern Testwell → Fern Newname"
    )
    await expect(ticker.first).to_contain_text("Patient changed (2 tasks)")
    await expect(ticker.first).to_contain_text("Fern Newname")
    await expect(ticker).to_have_count(2)
    assert await agent.page.evaluate(CLOSED_TASK) == ["After", "Another", "After"]
    assert await agent.page.evaluate(LINE) == [
        ["Scheduled, closed", *AMBER],
        ["Patient changed; New task (2 tasks)", "3 patients", "\u2068Recall\u2069", "the clock"],
        ["Scheduled, closed (2 tasks); No Answer, closed", *AMBER],
    ]
    await agent.log_and_close.click()  # at the version that was shown before
    await expect(agent.dialog).to_be_hidden()
    # A contact ends the claim on the other task: one line, too.
    await expect(ticker).to_have_count(3)
    await expect(ticker.first).to_contain_text("Scheduled, closed")

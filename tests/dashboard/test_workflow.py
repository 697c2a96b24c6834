"""The dashboard has the workflow from one module, which is written from the table."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from gql_app.web.pages import FILES
from models.diagram import KNOWN
from models.lifecycle import ContactOutcome
from tests.dashboard.conftest import SignIn
from tests.serving import Server

MODULE = FILES / "workflow.js"
OTHERS = sorted(path for path in FILES.rglob("*.*") if path.is_file() and path != MODULE)
FIFTH = {
    "  SCHEDULED: 'Scheduled',": "  WRONG_NUMBER: 'Wrong Number',",
    "  scheduled: 'Scheduled',": "  wrongNumber: 'Wrong Number',",
    "    SCHEDULED: {\n": "    WRONG_NUMBER: { followUp: 'Set a date.', notes: 'Say why.' },",
    "    SCHEDULED: {},": "    WRONG_NUMBER: {},",
}
CHART = """async () => {
  const { drawOutcomes } = await import('/dashboard/chart.js');
  const contacts = { noAnswer: 1, leftMessage: 2, didNotSchedule: 3, scheduled: 4, wrongNumber: 7 };
  drawOutcomes({ total: { contacts: { ...contacts, total: 17 } }, buckets: [] });
  const texts = (what) => [...document.querySelectorAll(what)].map((shown) => shown.textContent);
  return [texts('#chart .value'), texts('#hours-heads th'), texts('#hours tr:last-child td')];
}"""


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_no_other_file_names_an_outcome_or_a_code_that_is_not_there(path: Path) -> None:
    text = path.read_text()
    names = [name for outcome in ContactOutcome for name in (outcome.value, outcome.label)]
    assert [name for name in names if name in text] == []
    assert set(re.findall(r"\bCODES\.(\w+)", text)) <= set(KNOWN)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_fifth_outcome_can_be_chosen_and_is_drawn(server: Server, sign_in: SignIn) -> None:
    await server.office.make_task()
    agent = await sign_in()
    page = agent.page
    text = MODULE.read_text()
    for old, new in FIFTH.items():
        assert text.count(old) == 1, old
        text = text.replace(old, f"{new}\n{old}")

    async def changed(route: Route) -> None:
        await route.fulfill(body=text, content_type="text/javascript")

    await page.route("**/workflow.js", changed)
    await page.reload()
    await agent.open("Amber Testwell")
    await agent.choose("Wrong Number")
    await expect(page.locator("#why-log")).to_have_text("Set a date.")
    await agent.set_date(server.office.today)
    await expect(page.locator("#why-log")).to_have_text("Say why.")
    await expect(agent.log_and_close).to_be_enabled()
    # Read where it is drawn: the board itself draws the server's figures at any moment.
    bars, heads, today = await page.evaluate(CHART)
    assert bars == ["1", "2", "3", "7", "4"]
    assert heads[-3:] == ["Wrong Number", "Scheduled", "All"]
    assert today == [*bars, "17"]

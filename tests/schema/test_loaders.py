"""However long a page is, it costs the same number of statements."""

from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from gql_app.web.endpoint import Endpoint
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.database import transactions
from models.lifecycle import ContactOutcome
from tests.serving import Server

TASK = """
    id queue { name } patient { name phone }
    lastContact { notes loggedBy { name } } contacts(first: 3) { nodes { notes loggedBy { name } } }
"""

QUERIES = {
    "tasks": f"query ($first: Int!) {{ tasks(first: $first) {{ nodes {{ {TASK} }} }} }}",
    "queues": f"""query ($first: Int!) {{ queues {{ name counts {{ open }}
        tasks(first: $first) {{ nodes {{ {TASK} }} }} }} }}""",
    "patients": f"""query ($first: Int!) {{ tasks(first: $first) {{ nodes {{
        patient {{ tasks(first: $first) {{ nodes {{ {TASK} }} }} }} }} }} }}""",
    "pasts": """query ($first: Int!) { tasks(first: $first) { nodes { closedBy { name } patient {
        contacts(first: $first) { nodes { notes task { reason queue { name } } } } } } } }""",
    "events": f"""query ($first: Int!) {{ events(first: $first) {{ nodes {{
        seq actor {{ name }} contact {{ notes }} task {{ {TASK} }} }} }} }}""",
}


@pytest.fixture
def statements(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is read from now on for a request, and not for one of the jobs that look
    at the database now and then."""
    seen: list[str] = []
    is_of_request = ContextVar("is_of_request", default=False)
    client: Any = type(transactions.connection())
    read, answer = client.read, Endpoint.__call__

    async def count(self: Any, query: str, values: list[Any]) -> Any:
        if is_of_request.get():
            seen.append(query)
        return await read(self, query, values)

    async def mark(self: Any, *given: Any) -> None:
        is_of_request.set(True)
        await answer(self, *given)

    monkeypatch.setattr(client, "read", count)
    monkeypatch.setattr(Endpoint, "__call__", mark)
    return seen


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_the_number_of_statements_does_not_depend_on_the_page(
    server: Server, statements: list[str], query: str
) -> None:
    office = server.office
    for number in range(30):
        task = await office.make_task(
            (office.recall, office.missed)[number % 2], patient=office.patients[number % 3]
        )
        tomorrow = office.today + timedelta(days=1)
        await office.log(task, ContactOutcome.LEFT_MESSAGE, follow_up=tomorrow, notes=f"n{number}")
    counts, sizes = [], []
    for first in (2, 30):
        statements.clear()
        page = str(await server.data(query, first=first))
        sizes.append(page.count("notes"))
        counts.append(len(statements))
    assert sizes[1] >= 5 * sizes[0]
    assert counts[1] <= counts[0]  # fewer, where the longer page has read everything already
    assert 2 < counts[0] < 12


@pytest.mark.parametrize("field", ["taskStatusChanged", "queueFeed"])
async def test_events_that_are_read_together_are_loaded_together(
    server: Server, statements: list[str], field: str
) -> None:
    office = server.office
    for number in range(40):
        task = await office.make_task(patient=office.patients[number % 3])
        await office.log(task, ContactOutcome.NO_ANSWER, close=True)
    what = "seq task { patient { name } queue { name } } actor { name }"
    selection = what if field == "taskStatusChanged" else f"... on TaskEvent {{ {what} }}"
    beginning = event_cursor(office.practice.id, Position(0))
    async with server.socket() as socket:
        await socket.subscribe(
            f"subscription ($after: String) {{ {field}(after: $after) {{ {selection} }} }}",
            after=beginning,
        )
        statements.clear()
        while (await socket.next_data())[field].get("seq") != 80:
            pass
    assert len(statements) < 40  # of 80 events

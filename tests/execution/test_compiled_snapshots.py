"""A snapshot is completed by plans like a task, shared like it, and counted like it."""

from collections import Counter

import pytest

from gql_app.execution.sharing import shareable, shared_fields
from gql_app.schema import build_schema
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.execution.test_limits import figure
from tests.execution.ways import ROLES, Ways

SNAPSHOT = """taskId status isOpen statusLabel origin reason followUp expiresAt version contactCount
    createdAt closedAt closeCause withdrawnReason queue { id name } patient { id name phone }
    assignee { id name } claim { by { id name } until }
    lastContact { id outcome followUp closedTask loggedAt notes loggedBy { id name } }"""
EVENTS = f"{{ events {{ nodes {{ seq kind snapshot {{ __typename {SNAPSHOT} }} }} }} }}"
STREAMS = {
    "events": f"""subscription ($after: String) {{ taskStatusChanged(after: $after) {{
        seq snapshot {{ {SNAPSHOT} }} }} }}""",
    "feed": f"""subscription ($after: String) {{ queueFeed(after: $after) {{ __typename
        ... on TaskEvent {{ seq snapshot {{ {SNAPSHOT} }} }}
        ... on QueueCounts {{ seq open }} }} }}""",
}


@pytest.mark.parametrize("role", ROLES)
def test_snapshots_are_completed_by_plans_alone(
    ways: Ways, objects: Counter[str], role: str
) -> None:
    nodes = ways.data(EVENTS, role)["events"]["nodes"]
    assert {node["snapshot"]["__typename"] for node in nodes} == {"TaskSnapshot"}
    assert objects["plain"] > len(nodes)
    assert objects["compiled"] == 0


@pytest.mark.parametrize("document", STREAMS.values(), ids=STREAMS)
def test_a_stream_of_snapshots_is_completed_by_plans_alone(
    ways: Ways, objects: Counter[str], document: str
) -> None:
    seen = ways.messages(document, event_cursor(ways.office.practice.id, Position(0)), 15)
    assert any('"taskId"' in message for message in seen)
    assert objects["plain"] > 15
    assert objects["compiled"] == 0


@pytest.mark.parametrize("document", STREAMS.values(), ids=STREAMS)
def test_a_stream_of_snapshots_is_shared(document: str) -> None:
    assert shareable(shared_fields(build_schema()), document, None) is not None


@pytest.mark.parametrize("name", ["task", "snapshot"])
def test_a_snapshot_counts_as_much_as_a_task(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = f"""{{ events(first: 500) {{ nodes {{ a: {name} {{
        queue {{ tasks(first: 3) {{ nodes {{ id }} }} }} }} }} }} }}"""
    counted = {"rows": 500 + 500 * 3, "depth": 7, "aliases": 1}
    assert {what: figure(document, what, monkeypatch) for what in counted} == counted

"""What an operation is called in the audit."""

import pytest

from gql_app.execution.outline import UNREADABLE, Outline
from gql_app.schema import build_schema

SCHEMA = build_schema()
BOMB = "query { ...A0 } " + " ".join(
    f"fragment A{n} on Query {{ ...A{n + 1} ...A{n + 1} }}" for n in range(60)
)


@pytest.mark.parametrize(
    ("query", "name", "found"),
    [
        ("{ tasks { nodes { id } } }", None, Outline("tasks", is_query=True)),
        ("{ b: tasks { x } a: task(id: 1) { notes } }", None, Outline("task, tasks", True, True)),
        ("query A { queues { id } } mutation B { logContact }", "B", Outline("logContact")),
        ("{ ...F } fragment F on Query { node(id: 1) { id } }", None, Outline("node", True)),
        ("subscription { queueFeed { x } }", None, Outline("queueFeed")),
        ("query A { queues { id } }", "B", UNREADABLE),
        ("{ tasks(", None, UNREADABLE),
        ("{ ...Missing }", None, Outline("", is_query=True)),
        (BOMB + " fragment A60 on Query { viewer { name } }", None, Outline("viewer", True)),
        ("{ ...F } fragment F on Query { ...F }", None, Outline("", is_query=True)),
    ],
)
def test_an_operation_is_called_by_its_root_fields(
    query: str, name: str | None, found: Outline
) -> None:
    assert SCHEMA.outline(query, name) == found

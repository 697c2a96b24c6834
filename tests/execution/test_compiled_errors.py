"""Errors of compiled execution are graphql-core's own, wherever they come up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gql_app.access import Viewer
from gql_app.schema import loaders
from gql_app.schema import tasks as tasks_module
from gql_app.schema.connections import Connection
from gql_app.work.reads.conditions import Page
from gql_app.work.reads.history import StaffRow
from gql_app.work.reads.queues import tasks_page, visible_queues
from models.task import Task, TaskRow
from tests.execution.ways import ALL, TASK, Ways, cancels
from tests.office import task_id

READS = {
    "staff_by_id": "lastContact { notes loggedBy { name } }",
    "contacts_of": "lastContact { notes }",
    "patients_by_id": "patient { name }",
    "visible_queues": "queue { name }",
    "queue_counts": "queue { name counts { open } }",
}
"""How the rows of a link are read, and where a task shows them."""

ONE_LINK = {
    "nodes": f"{{ tasks({ALL}) {{ nodes {{ id %s }} }} }}",
    "edges": "{ tasks { edges { cursor node { %s id } } } }",
    "tasks of events": "{ events { nodes { seq task { id %s } } } }",
    "tasks of queues": "{ queues { name tasks(first: 3) { nodes { %s } } } }",
}

MANY_LINKS = {
    "nodes": f"{{ tasks({ALL}) {{ nodes {{ {TASK} }} }} }}",
    "edges": f"{{ tasks({ALL}) {{ edges {{ cursor node {{ {TASK} }} }} }} }}",
    "events": """{ events { nodes { seq contact { id loggedBy { name } } actor { name }
        task { queue { name } } } } }""",
    "tasks of events": f"{{ events {{ nodes {{ seq task {{ {TASK} }} }} }} }}",
    "tasks of queues": f"""{{ queues {{ counts {{ open }}
        tasks(first: 3) {{ nodes {{ {TASK} }} }} }} }}""",
    "side by side": f"""{{ viewer {{ name queues {{ counts {{ open }} }} }}
        events(first: 2) {{ nodes {{ seq actor {{ name }} }} }}
        tasks({ALL}) {{ nodes {{ id patient {{ name }} }} }} }}""",
}


@pytest.fixture(params=["finds none", "finds some", "fails"])
def broken(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Breaks the read of that name in one way."""

    def replace_read(name: str) -> None:
        real = getattr(loaders, name)

        async def read(viewer: Viewer, ids: Sequence[int], *more: Any) -> Any:
            if request.param == "fails":
                raise OSError("The database is away.")
            rows = await real(viewer, ids, *more)
            return [row for row in rows if row[0] % 2] if request.param == "finds some" else []

        monkeypatch.setattr(loaders, name, read)

    return replace_read


@cancels
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("document", ONE_LINK.values(), ids=ONE_LINK)
def test_a_broken_link_has_the_same_errors_both_ways(
    ways: Ways, broken: Callable[[str], None], read: str, document: str
) -> None:
    broken(read)
    ways.same(document % READS[read])


@cancels
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("document", MANY_LINKS.values(), ids=MANY_LINKS)
def test_a_broken_link_among_others_nulls_the_same_both_ways(
    ways: Ways, broken: Callable[[str], None], read: str, document: str
) -> None:
    broken(read)
    ways.alike(document)


@cancels
@pytest.mark.parametrize("slow", ["patients_by_id", "visible_queues"])
@pytest.mark.parametrize(
    "document",
    [
        "{ queues { tasks(first: 3) { nodes { id patient { name } queue { id } %s } } } }",
        "{ events { nodes { seq actor { id } task { id patient { name } queue { id } %s } } } }",
    ],
    ids=["tasks of queues", "tasks of events"],
)
def test_a_link_that_may_be_null_breaks_alone_while_others_are_read(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, slow: str, document: str
) -> None:
    real = getattr(loaders, slow)

    async def read_slowly(*given: Any, **named: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return await real(*given, **named)

    async def fail(*_: object) -> None:
        raise OSError("The database is away.")

    monkeypatch.setattr(loaders, slow, read_slowly)
    monkeypatch.setattr(loaders, "contacts_of", fail)
    result = ways.alike(document % "lastContact { notes }")
    assert result["data"] is not None
    assert {error["path"][-1] for error in result["errors"]} == {"lastContact"}


@cancels
@pytest.mark.parametrize("first", [0, 1], ids=["after it", "before it"])
def test_a_broken_link_leaves_the_objects_beside_it_whole(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    real = visible_queues

    async def read_slowly(*given: Any, **named: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return await real(*given, **named)

    async def no_patient(*_: object) -> list[Any]:
        return []

    monkeypatch.setattr(loaders, "visible_queues", read_slowly)
    monkeypatch.setattr(loaders, "patients_by_id", no_patient)
    queue = ways.office.recall
    tasks = ways.run(Task.filter(queue_id=queue.id).order_by("id"))
    parts = [
        f'broken: task(id: "{task_id(tasks[0])}") {{ patient {{ name }} queue {{ name }} }}',
        f'whole: task(id: "{task_id(tasks[1])}") {{ reason queue {{ name }} }}',
    ]
    result = ways.same(f"{{ {parts[first]} {parts[1 - first]} }}")
    assert result["data"]["broken"] is None
    assert result["data"]["whole"]["queue"] == {"name": queue.name}


def test_a_row_of_another_type_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(viewer: Viewer, ids: Sequence[int]) -> list[StaffRow]:
        return [StaffRow(i, viewer.practice_id, "Not a queue") for i in ids]

    monkeypatch.setattr(loaders, "visible_queues", read)
    for field in ("nodes { id queue { name } }", "edges { node { queue { id name } } }"):
        assert ways.same(f"{{ tasks {{ {field} }} }}")["errors"]


@pytest.mark.parametrize("selection", ["status", "closeCause id", "isOpen", "statusLabel status"])
@pytest.mark.parametrize("field", ["nodes {{ id {0} }}", "edges {{ cursor node {{ {0} id }} }}"])
def test_a_value_that_its_type_does_not_have_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, selection: str, field: str
) -> None:
    async def page(*given: Any) -> Page[TaskRow]:
        found = await tasks_page(*given)
        lost: dict[str, Any] = {"status": "LOST", "close_cause": "LOST"}
        found.rows[1] = found.rows[1]._replace(**lost)
        return found

    monkeypatch.setattr(tasks_module, "tasks_page", page)
    assert ways.same(f"{{ tasks {{ {field.format(selection)} }} }}")["errors"]


def test_an_error_of_a_resolver_is_the_same_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError("There is no such day.")

    monkeypatch.setattr("gql_app.schema.viewer.local_date", fail)
    result = ways.same("{ viewer { name practice { timeZone today } } queues { name } }")
    (error,) = result["errors"]
    assert error["path"] == ["viewer", "practice", "today"]


@pytest.mark.parametrize("selection", ["hasNextPage", "__typename", "endCursor", "...F"])
def test_null_where_there_must_be_an_object_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, selection: str
) -> None:
    monkeypatch.setattr(Connection, "page_info", None)
    fragment = "fragment F on PageInfo { hasNextPage @include(if: false) }"
    document = f"{{ tasks {{ nodes {{ id }} pageInfo {{ {selection} }} }} }}"
    assert ways.same(document + (fragment if "F" in selection else ""))["errors"]

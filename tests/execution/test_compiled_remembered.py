"""What compiled execution remembers: so many plans and no more, each found by its own nodes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from gql_app.execution import compiled
from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import LONGEST
from gql_app.execution.memory import PLANS
from gql_app.execution.source import Plan, Source
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.execution.ways import Ways


@pytest.fixture
def forgetful(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes room for so many plans and no more, and none is there yet."""

    def limit(size: int) -> None:
        monkeypatch.setattr(ways.compiled.memory, "plans", Bounded(size))
        monkeypatch.setattr(ways.compiled.memory, "directive_variables", Bounded(size))

    return limit


def test_no_more_plans_are_kept_than_there_is_room_for(
    ways: Ways, forgetful: Callable[[int], None], objects: Counter[str]
) -> None:
    memory = ways.compiled.memory
    assert memory.plans.limit == memory.directive_variables.limit == PLANS
    forgetful(3)
    for _ in range(2):
        for number in range(5):
            ways.data(f"{{ q{number}: queues {{ a{number}: name counts {{ open }} }} }}")
            assert len(memory.plans) <= 3
            assert len(memory.directive_variables) <= 3
    assert objects["compiled"] == 0


def test_a_plan_is_made_once_for_a_document_that_is_asked_again(
    ways: Ways, forgetful: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful(100)
    made = []
    real: Callable[..., Any] = vars(compiled)["compile_object"]

    def compile_object(*given: Any) -> Any:
        made.append(given[0].name)
        return real(*given)

    monkeypatch.setattr(compiled, "compile_object", compile_object)
    for _ in range(3):
        ways.data("{ tasks { nodes { id queue { name } } } queues { name } }")
    assert sorted(made) == ["Queue", "TaskConnection"]


def test_a_plan_grows_with_its_selection_and_not_with_each_level_twofold(
    ways: Ways, forgetful: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful(100)
    written: list[int] = []
    real = Source.plan

    def plan(source: Source, row: str, lines: list[str], answer: str) -> Plan:
        written.append(len(lines))
        return real(source, row, lines, answer)

    monkeypatch.setattr(Source, "plan", plan)
    lengths = []
    for levels in (2, 5):
        ways.data(f"{{ queues {'{ counts { queue ' * levels}{{ name }} {'} }' * levels} }}")
        lengths.append(sum(written))
        written.clear()
    assert lengths[1] < 3 * lengths[0]


def test_a_plan_is_kept_beside_the_nodes_that_it_is_found_by(
    ways: Ways, forgetful: Callable[[int], None]
) -> None:
    forgetful(8)
    fields = ("id %s", "name %s", "counts %s { open }", "counts { seq %s }", "__typename %s")
    for number in range(60):
        directive = ("", "@include(if: $yes)", "@skip(if: $yes)")[number % 3]
        given = "($yes: Boolean!)" if directive else ""
        document = f"query {given} {{ q{number}: queues {{ {fields[number % 5] % directive} }} }}"
        ways.data(document, yes=number % 2 == 0)
        key: Any
        for key, (held, _) in ways.compiled.memory.plans.items():
            assert list(key[2:]) == [id(node) for node in held]
        for operation, (node, _) in ways.compiled.memory.directive_variables.items():
            assert operation == id(node)


LIST = "{ tasks { nodes { id queue { name } } } }"


@pytest.mark.parametrize("operation", ["query", "subscription"])
def test_a_long_document_is_executed_and_nothing_is_remembered_of_it(
    ways: Ways, forgetful: Callable[[int], None], objects: Counter[str], operation: str
) -> None:
    forgetful(100)
    memory = ways.compiled.memory
    memory.documents.clear()
    memory.names.clear()

    def execute(length: int) -> None:
        if operation == "query":
            ways.data(f"query {LIST}".ljust(length))
        else:
            document = "subscription ($after: String) { taskStatusChanged(after: $after) { seq } }"
            assert len(ways.messages(document.ljust(length), event_cursor(1, Position(0)), 2)) == 2

    execute(LONGEST + 1)
    kept = (memory.documents, memory.plans, memory.directive_variables, memory.names)
    assert [len(each) for each in kept] == [0, 0, 0, 0]
    execute(LONGEST)
    assert all(kept[:3])
    assert objects["compiled"] == 0

"""What compiled execution remembers: so many plans and no more, each found by its own nodes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from graphql import FieldNode, Visitor, visit

from gql_app.execution import compiled
from gql_app.execution.limits import LONGEST, TooComplex
from gql_app.execution.memory import DOCUMENT_ROOM, PLANS, Documents
from gql_app.execution.source import Plan, Source
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.execution.ways import Ways


@pytest.fixture
def forgetful(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes room for so many documents and no more, and none is there yet."""

    def limit(size: int) -> None:
        monkeypatch.setattr(ways.compiled.memory, "documents", Documents(size, DOCUMENT_ROOM))

    return limit


def test_plans_go_with_their_documents(
    ways: Ways, forgetful: Callable[[int], None], objects: Counter[str]
) -> None:
    forgetful(3)
    documents = ways.compiled.memory.documents
    for _ in range(2):
        for number in range(5):
            ways.data(f"{{ q{number}: queues {{ a{number}: name counts {{ open }} }} }}")
            assert len(documents) <= 3
            assert len(documents._by_operation) == len(documents)
    assert objects["compiled"] == 0


def test_a_document_has_so_many_plans_and_no_more(ways: Ways) -> None:
    variables = ("a", "b", "c", "d", "e", "f", "g", "h")
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in variables)
    given = ", ".join(f"${name}: Boolean!" for name in variables)
    document = f"query ({given}) {{ queues {{ id {fields} }} }}"
    documents = ways.compiled.memory.documents
    weights = []
    for number in range(PLANS + 20):
        values: dict[str, Any] = {
            name: bool(number >> place & 1) for place, name in enumerate(variables)
        }
        ways.data(document, **values)
        weights.append(documents.weight)
    assert len(documents[document].plans) == PLANS
    assert weights[0] < weights[1] < weights[2]


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


def test_a_plan_is_kept_with_the_nodes_that_it_is_found_by(
    ways: Ways, forgetful: Callable[[int], None]
) -> None:
    forgetful(8)
    fields = ("id %s", "name %s", "counts %s { open }", "counts { seq %s }", "__typename %s")
    for number in range(60):
        directive = ("", "@include(if: $yes)", "@skip(if: $yes)")[number % 3]
        given = "($yes: Boolean!)" if directive else ""
        document = f"query {given} {{ q{number}: queues {{ {fields[number % 5] % directive} }} }}"
        ways.data(document, yes=number % 2 == 0)
        for known in ways.compiled.memory.documents.values():
            operations, nodes = set(map(id, known.operations)), _Nodes()
            visit(known.document, nodes)
            key: Any
            for key in known.plans:
                assert nodes.ids.issuperset(key[2:])
            assert {*known.directive_variables, *known.names} <= operations


class _Nodes(Visitor):
    """The ids of all fields of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.ids.add(id(node))


LIST = "query { tasks { nodes { id queue { name } } } }"
STREAM = "subscription ($after: String) { taskStatusChanged(after: $after) { seq } }"


@pytest.mark.parametrize("document", [LIST, STREAM])
def test_a_document_that_is_too_long_is_refused_and_nothing_is_remembered_of_it(
    ways: Ways, forgetful: Callable[[int], None], document: str
) -> None:
    """It would stay in memory, comments included."""
    forgetful(100)
    documents = ways.compiled.memory.documents

    def execute(length: int) -> None:
        if document is LIST:
            ways.data(document.ljust(length))
        else:
            assert len(ways.messages(document.ljust(length), event_cursor(1, Position(0)), 2)) == 2

    with pytest.raises((AssertionError, TooComplex), match="16,385 characters; at most 16,384"):
        execute(LONGEST + 1)
    assert not documents
    execute(LONGEST)
    assert len(documents) == 1

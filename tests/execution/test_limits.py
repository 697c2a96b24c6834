"""What is too complex, and that finding out is linear in the document."""

import re
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from gql_app.execution import cost, limits
from gql_app.execution.limits import TooComplex
from gql_app.schema import build_schema
from tests.execution.measuring import check

SCHEMA = build_schema()._schema


def chain(length: int, spreads: int = 2, field: str = "id") -> str:
    """Fragments of which each spreads the next one several times."""
    links = "".join(
        f" fragment f{i} on Task {{ {field} {f'...f{i + 1} ' * spreads}}}" for i in range(length)
    )
    return f"{{ tasks {{ nodes {{ ...f0 }} }} }}{links} fragment f{length} on Task {{ id }}"


def complaint(query: str, operation: str | None = None, **variables: Any) -> str | None:
    try:
        check(SCHEMA, parse(query), variables, operation)
    except TooComplex as error:
        return str(error)
    return None


def figure(query: str, what: str, monkeypatch: pytest.MonkeyPatch, **variables: Any) -> int:
    """What is counted of a document, whatever the limit."""
    for module, name in ((limits, "DEPTH"), (limits, "ALIASES"), (cost, "ROWS")):
        monkeypatch.setattr(module, f"MAX_{name}", -1 if name == what.upper() else 10**30)
    found = re.search(r"complex: ([\d,]+) ", complaint(query, **variables) or "")
    assert found is not None
    return int(found[1].replace(",", ""))


TOO_COMPLEX = {
    "{ tasks { nodes { patient " * 7 + "{ id }" + "} } }" * 7: "22 levels of fields; at most 20",
    "{ " + " ".join(f"v{i}: viewer {{ name }}" for i in range(51)) + " }": "51 aliases; at most 50",
    chain(6, field="a: id"): "63 aliases; at most 50",
    "{ tasks(first: 500) { nodes { contacts(first: 50) { nodes { id } } } } }": (
        "25,500 rows; at most 25,000"
    ),
    chain(100, spreads=1): "over 100 fragments within fragments; at most 100",
}


@pytest.mark.parametrize(("query", "expected"), TOO_COMPLEX.items())
def test_a_document_over_a_limit_is_told_its_figure_and_the_limit(
    query: str, expected: str
) -> None:
    assert complaint(query) == f"The document is too complex: {expected}."


ALLOWED = [
    get_introspection_query(),
    "{ " + " ".join(f"v{i}: viewer {{ name }}" for i in range(50)) + " }",
    "{ tasks(first: 500) { nodes { contacts(first: 49) { nodes { id } } } } }",
    "{ queues { tasks(first: 500) { edges { node { patient { phone } } } } } }",
    chain(99, spreads=1),
    chain(60),
]


@pytest.mark.parametrize("query", ALLOWED)
def test_a_document_at_a_limit_passes(query: str) -> None:
    assert complaint(query) is None


ROWS = {
    "{ tasks { nodes { id } } }": 50,
    "{ tasks(first: 3) { nodes { id } edges { node { id } } } }": 3,
    "{ tasks(first: 3) { nodes { patient { tasks(first: 5) { nodes { id } } } } } }": 3 + 3 * 5,
    "{ queues { tasks(first: 5) { nodes { id } } } }": 10 + 10 * 5,
    "{ tasks(first: 0) { nodes { contacts(first: 500) { nodes { id } } } } }": 0,
    "{ tasks(first: 1000000) { nodes { id } } }": 500,
    "{ tasks(first: -1) { nodes { id } } }": 0,
    "{ a: tasks(first: 3) { nodes { id } } ... on Query { tasks(first: 4) { nodes { id } } } }": 7,
    "query ($n: Int! = 7) { tasks(first: $n) { nodes { id } } }": 7,
    "query ($given: Int! = 7) { tasks(first: $given) { nodes { id } } }": 9,
    "query ($float: Int) { tasks(first: $float) { nodes { id } } }": 400,
    "query ($null: Int) { tasks(first: $null) { nodes { id } } }": 50,
    "query ($null: Int = 7) { tasks(first: $null) { nodes { id } } }": 50,
    "query ($absent: Int) { tasks(first: $absent) { nodes { id } } }": 50,
    "{ tasks(first: null) { nodes { id } } }": 50,
    f"{{ tasks(first: {'9' * 5_000}) {{ nodes {{ id }} }} }}": 500,
    "{ tasks(first: 3) @skip(if: true) { nodes { id } } }": 0,
    "query ($no: Boolean!) { tasks(first: 3) @include(if: $no) { nodes { id } } }": 0,
    "query ($no: Boolean!) { tasks(first: 3) @skip(if: $no) { nodes { id } } }": 3,
    "query ($on: Boolean! = false) { ...F @include(if: $on) ... @skip(if: $on) { ...F } } "
    "fragment F on Query { tasks(first: 3) { nodes { id } } }": 3,
    "{ ...F } fragment F on Query { tasks(first: 3) { ...G } } "
    "fragment G on TaskConnection { nodes { contacts(first: 2) { nodes { id } } } }": 3 + 3 * 2,
    "mutation { logContact(taskId: 1, outcome: SCHEDULED) { errors { code } } }": 10,
}


@pytest.mark.parametrize(("query", "rows"), ROWS.items())
def test_rows_are_those_asked_for_times_those_of_the_parents(
    query: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"given": 9, "float": 4e2, "null": None, "no": False}
    assert figure(query, "rows", monkeypatch, **variables) == rows


@pytest.mark.parametrize(("operation", "is_complex"), [("Dear", True), ("Cheap", False)])
def test_rows_are_those_of_the_operation_that_is_run(operation: str, is_complex: bool) -> None:
    query = """query Cheap($n: Int = 2) { ...Page } query Dear($n: Int = 500) { ...Page }
        fragment Page on Query {
            tasks(first: $n) { nodes { contacts(first: $n) { nodes { id } } } } }"""
    assert (complaint(query, operation) is not None) == is_complex
    # A value that is given stands in for either default.
    assert complaint(query, operation, n=2) is None
    assert complaint(query, operation, n=500.0) is not None


def test_the_shape_is_that_of_the_whole_document() -> None:
    """All of it is validated, whichever operation is run."""
    query = "query A { viewer { role } } query B { " + "a: viewer { role } " * 51 + "}"
    assert complaint(query, "A") == "The document is too complex: 51 aliases; at most 50."


def test_a_fragment_counts_wherever_it_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figure(chain(60, field="a: id"), "aliases", monkeypatch) == 2**60 - 1
    assert figure(chain(60), "depth", monkeypatch) == 3


def test_a_fragment_is_walked_once_however_often_it_is_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walked = []
    for walk in (limits._Shapes, cost._Walk):
        selection = walk.selection

        def count(self: Any, *given: Any, selection: Any = selection) -> Any:
            walked.append(given)
            return selection(self, *given)

        monkeypatch.setattr(walk, "selection", count)
    complaint(chain(60))
    assert len(walked) == 2 * (3 + 61)


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { ...F } } fragment F on Viewer { ...F }",
        "{ viewer { ...Unknown } }",
        "{ unknown { first { nodes } } }",
        "{ ... on Unknown { id } }",
        "fragment F on Task { id }",
    ],
)
def test_what_is_not_valid_is_left_to_validation(query: str) -> None:
    assert complaint(query) is None

"""What is too complex, and that finding out is linear in the document."""

import re
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from gql_app.execution import limits
from gql_app.execution.limits import TooComplex, check
from gql_app.schema import build_schema

SCHEMA = build_schema()._schema


def chain(length: int, spreads: int = 2, field: str = "id") -> str:
    """Fragments of which each spreads the next one several times."""
    links = "".join(
        f" fragment f{i} on Task {{ {field} {f'...f{i + 1} ' * spreads}}}" for i in range(length)
    )
    return f"{{ tasks {{ nodes {{ ...f0 }} }} }}{links} fragment f{length} on Task {{ id }}"


def complaint(query: str, **variables: Any) -> str | None:
    try:
        check(SCHEMA, parse(query), variables, largest_page=500)
    except TooComplex as error:
        return str(error)
    return None


def figure(query: str, what: str, monkeypatch: pytest.MonkeyPatch, **variables: Any) -> int:
    """What is counted of a document, whatever the limit."""
    monkeypatch.setattr(limits, f"MAX_{what.upper()}", -1)
    for other in {"DEPTH", "ALIASES", "ROWS"} - {what.upper()}:
        monkeypatch.setattr(limits, f"MAX_{other}", 10**30)
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
    "query ($wrong: Int!) { tasks(first: $wrong) { nodes { id } } }": 0,
    "{ ...F } fragment F on Query { tasks(first: 3) { ...G } } "
    "fragment G on TaskConnection { nodes { contacts(first: 2) { nodes { id } } } }": 3 + 3 * 2,
    "mutation { logContact(taskId: 1, outcome: SCHEDULED) { errors { code } } }": 10,
}


@pytest.mark.parametrize(("query", "rows"), ROWS.items())
def test_rows_are_those_asked_for_times_those_of_the_parents(
    query: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert figure(query, "rows", monkeypatch, given=9, wrong="x") == rows


def test_a_fragment_counts_wherever_it_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figure(chain(60, field="a: id"), "aliases", monkeypatch) == 2**60 - 1
    assert figure(chain(60), "depth", monkeypatch) == 3


def test_a_fragment_is_walked_once_however_often_it_is_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walked = []
    field = limits._Walk._field

    def count(self: Any, node: Any, *rest: Any) -> Any:
        walked.append(node)
        return field(self, node, *rest)

    monkeypatch.setattr(limits._Walk, "_field", count)
    complaint(chain(60))
    assert len(walked) == 2 + 60 + 1


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

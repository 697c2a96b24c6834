"""What an operation costs: values and bytes as they would be brought back, and what is too much."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import parse

from gql_app.access.budgets import FREE
from gql_app.execution import cost
from gql_app.execution.cost import Cost
from gql_app.execution.limits import TooComplex
from gql_app.schema import build_schema
from tests.execution.measuring import check
from tests.execution.test_limits import chain

SCHEMA = build_schema()._schema
PAGES = sorted((Path(cost.__file__).parents[1] / "web/dashboard").glob("*documents.js"))


def measured(query: str, operation: str | None = None, **variables: Any) -> Cost:
    return check(SCHEMA, parse(query), variables, operation)


LEAVES = {
    "{ viewer { name role } }": 2,
    "{ viewer { name name role } viewer { role } }": 2,
    "{ a: viewer { name } b: viewer { name } }": 2,
    "{ tasks { nodes { id status } } }": 100,
    "{ tasks(first: 7) { nodes { id patient { name phone } } pageInfo { endCursor } } }": 22,
    "{ tasks(first: 7) { nodes { id } edges { cursor node { id } } } }": 21,
    "{ tasks(first: 7) { nodes { ...A ...B } } } fragment A on Task { id patient { name } }"
    " fragment B on Task { id patient { name phone } }": 21,
    "{ queues { name tasks(first: 5) { nodes { id } } } }": 60,
    "{ tasks(first: 2) { __typename nodes { __typename id } } }": 5,
    "{ tasks(first: 2) { nodes { id @skip(if: true) status } } }": 2,
    "{ queues { followUpLadder } }": 100,
    "{ node(id: 1) { id ... on Task { id }"
    " ... on Patient { tasks(first: 3) { nodes { id } } } } }": 5,
    "{ node(id: 1) { ... on Task { x: contacts(first: 3) { nodes { id } } }"
    " ... on Patient { x: tasks(first: 4) { nodes { id } } } } }": 7,
    "mutation { releaseTask(taskId: 1) { task { id } } }": 1,
    "subscription { queueFeed { ... on QueueSnapshot { queues { tasks { nodes { id } } } } } }": (
        10 * 50
    ),
    "{ viewer { ...F } } fragment F on Viewer { name ...F }": 1,
    "{ patient(id: 1) { ...F } }"
    " fragment F on Patient { name tasks { nodes { patient { ...F } } } }": 21,
}


@pytest.mark.parametrize(("query", "leaves"), LEAVES.items())
def test_leaves_are_the_values_that_may_come_back(query: str, leaves: int) -> None:
    assert measured(query).leaves == leaves


def test_what_fragments_select_again_is_brought_back_once() -> None:
    assert measured(chain(60)).leaves == 50


def test_bytes_are_those_of_names_and_usual_values() -> None:
    short, long = (measured(f"{{ viewer {{ {name}: name }} }}").bytes for name in ("a", "a" * 100))
    assert long - short == 99
    notes, outcome = (
        measured(f"{{ tasks(first: 10) {{ nodes {{ lastContact {{ {field} }} }} }} }}").bytes
        for field in ("notes", "outcome")
    )
    assert notes > outcome + 10 * 150


@pytest.mark.parametrize(("query", "changes"), [
    ("mutation { a: claimNextTask { task { id } } b: claimNextTask { task { id } } }", 2),
    ("mutation { ...F claimNextTask { task { id } } } fragment F on Mutation"
     " { claimNextTask { task { id } } x: claimNextTask { task { id } } }", 2),
    ("{ viewer { name } }", 0),
])  # fmt: skip
def test_each_mutation_is_a_change(query: str, changes: int) -> None:
    assert measured(query).changes == changes


ACTIVITY = 'activity(from: "2026-01-01", to: "2026-01-02") { total { tasksOpened } }'
TOO_MUCH = {
    "{ tasks(first: 500) { nodes { " + " ".join(f"a{n}: id" for n in range(50)) + " contacts("
    "first: 40) { nodes { id outcome } } } } }": "65,000 values; at most 60,000",
    "{ tasks(first: 400) { nodes { contacts(first: 50) { nodes { notes } } } } }": "bytes; at most",
    f"{{ {ACTIVITY} again: {ACTIVITY} }}": "2 reports; at most 1",
    "subscription { taskStatusChanged { snapshot { patient { tasks(first: 500) { nodes { "
    + " ".join(f"a{n}: id" for n in range(41))
    + " } } } } } }": "20,500 values; at most 20,000",
}


@pytest.mark.parametrize(("query", "expected"), TOO_MUCH.items())
def test_an_operation_that_costs_too_much_is_told_its_figure(query: str, expected: str) -> None:
    with pytest.raises(TooComplex, match=expected):
        measured(query)


def test_merging_is_given_up_in_time() -> None:
    """Fields that are merged anew on each level, in another way for each path to them."""
    fields = "patient { tasks { nodes { ...%s } } } lastContact { task { ...%s } }"
    spread = " ".join(
        f"fragment f{n} on Task {{ {fields % (f'f{n + 1}', f'f{n + 1}')} ...g{n} }}"
        f" fragment g{n} on Task {{ {fields % (f'f{n + 1}', f'g{n + 1}')} }}"
        for n in range(20)
    )
    end = "fragment f20 on Task { id } fragment g20 on Task { id }"
    try:
        found = measured(f"{{ tasks(first: 1) {{ nodes {{ ...f0 }} }} }} {spread} {end}")
    except TooComplex:
        return
    assert found.leaves <= cost.MAX_LEAVES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_dashboard_asks_for_is_free(page: Path) -> None:
    """So that a practice's own people are never limited by what it costs."""
    text = re.sub(r"\$\{Object[^}]*\}", "noAnswer", page.read_text())
    parts = dict(re.findall(r"(?:export )?const (\w+) = `(.*?)`;", text, re.DOTALL))
    for name, part in parts.items():  # each stands after those that it names
        parts[name] = re.sub(r"\$\{(\w+)\}", lambda m: parts.get(m[1], "OPEN"), part)
    asked = {name: part for name, part in parts.items() if part.startswith(("{", "query", "mut"))}
    streams = {name for name, part in parts.items() if part.startswith("subscription")}
    assert {*asked} | streams == {*re.findall(r"^export const (\w+)", text, re.MULTILINE)}
    for name, document in asked.items():
        assert measured(document, first=50).leaves <= FREE, name

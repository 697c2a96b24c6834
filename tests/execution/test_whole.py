"""Which answers have no data if a part of them failed: a root field says so."""

import pytest

from gql_app.schema import build_schema

SCHEMA = build_schema()

WHOLE = [
    "{ events { nodes { seq } } }",
    "{ mine: events { nodes { seq } } viewer { name } }",
    "{ ... on Query { events { nodes { seq } } } }",
    "{ ...F } fragment F on Query { ...G } fragment G on Query { events { nodes { seq } } }",
]
IN_PARTS = [
    "{ viewer { name } }",
    "{ __typename tasks { nodes { id } } }",
    "subscription { taskStatusChanged { seq } }",
]


@pytest.mark.parametrize("document", WHOLE)
def test_a_page_of_events_is_whole_however_it_is_selected(document: str) -> None:
    assert SCHEMA.must_be_whole(document, None)


@pytest.mark.parametrize("document", IN_PARTS)
def test_other_answers_are_shown_in_parts(document: str) -> None:
    assert not SCHEMA.must_be_whole(document, None)


def test_the_operation_that_is_run_decides() -> None:
    document = "query A { events { nodes { seq } } } query B { viewer { name } }"
    assert SCHEMA.must_be_whole(document, "A")
    assert not SCHEMA.must_be_whole(document, "B")

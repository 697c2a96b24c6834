"""Only what depends on nothing of its subscriber is executed for several at once."""

import pytest

from gql_app.execution.limits import LONGEST
from gql_app.execution.sharing import (
    ROOM,
    Shape,
    Shapes,
    Shareable,
    Shared,
    shareable,
    shared_fields,
)
from gql_app.schema import build_schema

FIELDS = shared_fields(build_schema())
STATUS, FEED = Shared("after"), Shared("after", begins_with_state=True)

SHARED = {
    "{ taskStatusChanged { seq } }": Shareable(STATUS, None),
    "($a: String) { taskStatusChanged(after: $a) { seq } }": Shareable(STATUS, "a"),
    "($a: String, $q: [ID!]) { changed: taskStatusChanged(queueIds: $q, after: $a) { seq } }": (
        Shareable(STATUS, "a")
    ),
    "($a: String!) { taskStatusChanged(after: $a) { seq } }": (
        Shareable(STATUS, "a", cursor_required=True)
    ),
    "{ queueFeed { __typename } }": Shareable(FEED, None),
    "($c: String) { queueFeed(after: $c) { __typename } }": Shareable(FEED, "c"),
}

ALONE = [
    'subscription { taskStatusChanged(after: "ZToxOjE=") { seq } }',
    'subscription { queueFeed(after: "ZToxOjE=") { __typename } }',
    "subscription { heartbeat }",
    'subscription ($a: String = "x") { taskStatusChanged(after: $a) { seq } }',
    "subscription ($a: String) { taskStatusChanged(after: $a)"
    " { task { contacts(after: $a) { nodes { id } } } } }",
    "subscription ($on: Boolean!) { taskStatusChanged @include(if: $on) { seq } }",
    "subscription { ...F } fragment F on Subscription { taskStatusChanged { seq } }",
    "query { viewer { name } }",
    "subscription A { taskStatusChanged { seq } } subscription B { taskStatusChanged { seq } }",
    "subscription {",
    "",
]


@pytest.mark.parametrize(("document", "shape"), SHARED.items())
def test_a_plain_stream_is_shared_whatever_cursor_it_begins_at(
    document: str, shape: Shareable
) -> None:
    assert shareable(FIELDS, f"subscription {document}", None) == shape


@pytest.mark.parametrize("document", ALONE)
def test_what_depends_on_its_subscriber_is_not_shared(document: str) -> None:
    assert shareable(FIELDS, document, None) is None


def test_the_operation_that_is_named_decides() -> None:
    document = "subscription A { taskStatusChanged { seq } } query B { viewer { name } }"
    assert shareable(FIELDS, document, "A") == Shareable(STATUS, None)
    assert shareable(FIELDS, document, "B") is None


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    shapes = Shapes(FIELDS)
    document = "subscription A { taskStatusChanged { seq } }"
    assert shapes.find(document.ljust(LONGEST), None) == Shape(Shareable(STATUS, None), True)
    # One that is too long is not looked at: it is refused when it is executed.
    assert shapes.find(document.ljust(LONGEST + 1), None) == Shape(None, False)
    assert shapes.find(document, "A" * ROOM) == Shape(None, False)
    for number in range(100):
        shapes.find(document.ljust(LONGEST), f"A{number}")
    assert 0 < shapes._found.weight <= ROOM
    assert len(shapes._found) < 100

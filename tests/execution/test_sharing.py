"""Only what depends on nothing of its subscriber is executed for several at once."""

import pytest

from gql_app.execution.sharing import Shareable, shareable

SHARED = {
    "{ taskStatusChanged { seq } }": Shareable("taskStatusChanged", None),
    "($a: String) { taskStatusChanged(after: $a) { seq } }": Shareable("taskStatusChanged", "a"),
    "($a: String, $q: [ID!]) { changed: taskStatusChanged(queueIds: $q, after: $a) { seq } }": (
        Shareable("taskStatusChanged", "a")
    ),
    "($a: String!) { taskStatusChanged(after: $a) { seq } }": (
        Shareable("taskStatusChanged", "a", cursor_required=True)
    ),
    "{ queueFeed { __typename } }": Shareable("queueFeed", None),
    "($c: String) { queueFeed(after: $c) { __typename } }": Shareable("queueFeed", "c"),
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
    assert shareable(f"subscription {document}", None) == shape


@pytest.mark.parametrize("document", ALONE)
def test_what_depends_on_its_subscriber_is_not_shared(document: str) -> None:
    assert shareable(document, None) is None


def test_the_operation_that_is_named_decides() -> None:
    document = "subscription A { taskStatusChanged { seq } } query B { viewer { name } }"
    assert shareable(document, "A") == Shareable("taskStatusChanged", None)
    assert shareable(document, "B") is None

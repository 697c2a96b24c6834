"""Compiled execution of documents written by hand, for what is seldom generated."""

import json
from itertools import product

import pytest
from graphql import get_introspection_query

from tests.execution.documents import Words
from tests.execution.ways import ALL, ROLES, TASK, Ways

DOCUMENTS = {
    "every plain field": f"""{{ tasks({ALL}) {{ nodes {{ {TASK} }}
        edges {{ cursor node {{ {TASK} }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}""",
    "one object in two fragments": """
        { tasks { nodes { ...A queue { id } ...B } } }
        fragment A on Task { id queue { name counts { open } } lastContact { ...C } }
        fragment B on Task { lastContact { loggedBy { name } ...C } queue { counts { seq open } } }
        fragment C on Contact { notes id }""",
    "a fragment in a fragment in a fragment": """
        { queues { ...A } } fragment A on Queue { ...B id }
        fragment B on Queue { ... { ...C name } } fragment C on Queue { counts {
        ... on QueueCounts { open queue { name counts { seq } } } } }""",
    "aliases": """{ tasks { all: nodes { a: id b: id c: queue { d: name name } queue { e: id }
        f: lastContact { g: loggedBy { h: name } } } edges { i: node { id } } } }""",
    "the name of the type, at every place": """
        { __typename tasks { __typename nodes { __typename id of: __typename queue { __typename }
        lastContact { __typename } } pageInfo { __typename } }
        viewer { practice { __typename } } }""",
    "directives with literals": """{ tasks { nodes @include(if: true) { id @skip(if: true)
        queue @skip(if: false) { name } patient @include(if: false) { name }
        ... @include(if: false) { reason } ... on Task @skip(if: false) { version } } } }""",
    "nothing is left": "{ queues { id @skip(if: true) counts @skip(if: true) { seq } } }",
    "a list that takes arguments beside one that does not": f"""
        {{ tasks({ALL}) {{ nodes {{ id contacts(first: 2) {{ nodes {{ notes loggedBy {{ id }} }} }}
        queue {{ name tasks(first: 1) {{ nodes {{ reason lastContact {{ id }} }} }} }} }} }} }}""",
    "events": """{ events { nodes { seq kind at fromStatus toStatus closeCause cursor
        contact { notes loggedBy { name } } actor { name } task { id status closedAt
        lastContact { id } queue { counts { open } } } } } }""",
    "the viewer": """{ viewer { name role mayReadNotes mayLogContacts mayCreateTasks expiresAt
        practice { timeZone today cursor } queues { id name counts { queue { name } } }
        claimed { id status patient { name } } } }""",
    "a patient, with all that is known": """{ patients(first: 5) { nodes { id name
        externalIds { source id } merges { merged { name } } appointments(first: 2) { nodes { at } }
        tasks(first: 2) { nodes { id externalIds { source id } queue { name script } } } } } }""",
    "introspection": get_introspection_query(),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_has_the_same_answer_both_ways(ways: Ways, document: str, role: str) -> None:
    ways.data(document, role)


@pytest.mark.parametrize("role", ROLES)
def test_a_node_has_the_same_answer_both_ways_whatever_it_is(ways: Ways, role: str) -> None:
    document = f"""query ($id: ID!) {{ node(id: $id) {{ id __typename
        ... on Node {{ same: id }} ... on Task {{ {TASK} }}
        ... on Queue {{ name counts {{ open }} }}
        ... on Patient {{ phone tasks(first: 2) {{ nodes {{ status }} }} }}
        ... on Contact {{ notes loggedBy {{ name }} }} ... on Staff {{ name }} }} }}"""
    words = ways.run(Words.of(ways.office))
    shown = {
        (result["data"]["node"] or {}).get("__typename")
        for id_ in words.ids["Node"]
        if (result := ways.same(document, role, id=id_))["data"] is not None
    }
    assert shown == {"Task", "Queue", "Patient", "Contact", "Staff", None}


def test_a_document_can_be_asked_again_with_other_variables(ways: Ways) -> None:
    document = """query ($yes: Boolean!, $no: Boolean = false) {
        tasks { nodes { id @include(if: $yes) reason @skip(if: $no)
        queue @include(if: $yes) { id name @skip(if: $no) }
        ... @include(if: $no) { lastContact { id notes @include(if: $yes) } } ...F } } }
        fragment F on Task { patient @skip(if: $yes) { name } version }"""
    answers = [
        json.dumps(ways.data(document, yes=yes, no=no))
        for yes, no in [*product((True, False), repeat=2)] * 2
    ]
    assert answers[:4] == answers[4:]
    assert len(set(answers)) == 4
    assert ways.data(document, yes=True) == ways.data(document, yes=True, no=False)


def test_two_operations_of_a_document_that_share_a_fragment_are_kept_apart(ways: Ways) -> None:
    document = """
        query A($first: Boolean!, $shown: Boolean!) { viewer @include(if: $first) { role } ...F }
        query B($shown: Boolean!, $then: Boolean!) { viewer @include(if: $then) { role } ...F }
        fragment F on Query { queues { id name @include(if: $shown) } }"""
    without = ways.data(document, operation="A", first=True, shown=False)
    shown = ways.data(document, operation="B", shown=True, then=False)
    assert "name" not in without["queues"][0]
    assert "name" in shown["queues"][0]


def test_a_directive_whose_variable_is_null_is_refused_where_it_stands(ways: Ways) -> None:
    document = """query ($shown: Boolean = true) { tasks(filter: {status: [OPEN]}) { nodes {
        id lastContact { id @include(if: $shown) } } } }"""
    fresh = ways.same(document, shown=None)  # nobody has called, so there is no contact to show
    assert not fresh["errors"]
    ways.same(document.replace("OPEN", "IN_PROGRESS"), shown=None)

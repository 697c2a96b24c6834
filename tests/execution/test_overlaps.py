"""A document that asks for the same again and again is refused before it is validated."""

import pytest
from graphql import get_introspection_query, parse

from gql_app.execution.limits import TooComplex
from gql_app.execution.overlaps import check_overlaps
from tests.execution.test_limits import ALLOWED

TOO_MANY = {
    "in one place": f"{{ viewer {{ {'id ' * 1_900} }} }}",
    "in places that are merged": "{ " + f"viewer {{ {'name ' * 40} }} " * 40 + "}",
    "by fragments": "{ viewer { ...A ...B } }"
    f" fragment A on Viewer {{ {'id ' * 80} }} fragment B on Viewer {{ {'id ' * 80} }}",
    "by inline fragments": f"{{ viewer {{ {'... { id } ' * 200} }} }}",
    "in a fragment that nothing spreads": "{ viewer { id } }"
    f" fragment A on Viewer {{ {'id ' * 500} }}",
    "in an operation that is not run": "query A { viewer { id } }"
    f" query B {{ viewer {{ {'id ' * 500} }} }}",
}


@pytest.mark.parametrize("where", TOO_MANY)
def test_the_same_too_often(where: str) -> None:
    with pytest.raises(TooComplex, match="pairs of fields with the same name; at most 10,000"):
        check_overlaps(parse(TOO_MANY[where]))


@pytest.mark.parametrize(
    "document",
    [
        *ALLOWED,
        get_introspection_query(),
        "{ " + " ".join(f"a{n}: tasks {{ nodes {{ id status }} }}" for n in range(50)) + " }",
        f"{{ viewer {{ {'id ' * 140} }} }}",
        "{ viewer { ...F } } fragment F on Viewer { ...F id }",
        "{ viewer { ...F } } fragment F on Viewer { id practice { ...F } }",
    ],
)
def test_what_is_allowed(document: str) -> None:
    check_overlaps(parse(document))

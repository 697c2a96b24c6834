"""Whether the server says what it has: introspection, and suggestions in messages."""

import pytest

from tests.serving import serving

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ASKED = (
    "{ __schema { types { name } } }",
    '{ __type(name: "Task") { name } }',
    "{ viewer { role } ... on Query { __schema { __typename } } }",
)
MISTYPED = (
    "{ taskz { nodes { id } } }",
    "{ tasks(firzt: 1) { nodes { id } } }",
    "{ tasks(filter: {statuz: OPEN}) { nodes { id } } }",
    "{ tasks(orderBy: DU) { nodes { id } } }",
    "{ ... on Tazk { id } }",
)
BY_VARIABLE = "query ($by: TaskOrder!) { tasks(orderBy: $by) { nodes { id } } }"


async def test_by_default_it_says(database_url: str) -> None:
    async with serving(database_url) as server:
        for query in ASKED:
            assert "errors" not in await server.execute(query, "partner")
        for query in MISTYPED:
            assert "Did you mean" in (await server.execute(query))["errors"][0]["message"]


async def test_off_it_does_not(database_url: str) -> None:
    async with serving(database_url, introspection="off") as server:
        for query in ASKED:
            for error in (await server.execute(query))["errors"]:
                assert error["extensions"]["code"] == "BAD_USER_INPUT"
                assert "introspection" in error["message"]
        for query in (*MISTYPED, *MISTYPED):  # the second time they are known
            answer = await server.execute(query)
            assert answer["errors"]
            assert not any("Did you mean" in error["message"] for error in answer["errors"])
        (error,) = (await server.execute(BY_VARIABLE, by="DU"))["errors"]
        assert "Did you mean" not in error["message"]
        named = await server.data("{ __typename viewer { __typename } }")
        assert named == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}
        async with server.socket() as socket:
            await socket.subscribe(ASKED[0])
            assert (await socket.next())["type"] == "error"

"""The list of events."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from tests.serving import Server


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_events_are_listed_in_order_behind_a_cursor(server: Server, size: int) -> None:
    office = server.office
    task = await office.make_task()
    other = await office.make_task(office.missed)
    for _ in range(3):
        await office.log(task)
        await office.log(other)
    query = """query ($first: Int!, $after: String, $queueIds: [ID!]) {
        events(first: $first, after: $after, queueIds: $queueIds) {
            nodes { seq cursor kind } pageInfo { hasNextPage endCursor } } }"""
    for queue_ids, expected in (
        (None, list(range(1, 9))),
        ([global_id("Queue", office.missed.id)], [2, 4, 6, 8]),
    ):
        seqs: list[int] = []
        info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while info["hasNextPage"]:
            given = {"first": size, "after": info["endCursor"], "queueIds": queue_ids}
            page = (await server.data(query, **given))["events"]
            seqs += [node["seq"] for node in page["nodes"]]
            info = page["pageInfo"]
            assert info["endCursor"] == page["nodes"][-1]["cursor"]
        assert seqs == expected

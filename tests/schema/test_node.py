"""Anything by its global id."""

from gql_app.schema.ids import global_id
from tests.office import older_id
from tests.serving import Server


async def test_anything_is_found_by_its_global_id(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task)
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    rows = {
        "Task": task.id,
        "Queue": office.recall.id,
        "Patient": office.patients[2].id,
        "Contact": 1,
        "Staff": office.staff.staff_id,
    }
    for name, row_id in rows.items():
        wanted = {"__typename": name, "id": global_id(name, row_id)}
        assert (await server.data(query, id=wanted["id"]))["node"] == wanted
        for missing in (global_id(name, 999_999), older_id(name, 10**40)):
            assert (await server.data(query, id=missing))["node"] is None
    assert (await server.data(query, id=older_id("Practice", 1)))["node"] is None

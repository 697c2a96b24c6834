"""Patients over GraphQL: found, made, changed, merged, and the way back."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.people import Patient
from models.task import Task
from tests.office import task_id
from tests.serving import Server

FOUND = """query ($search: String, $id: ExternalIdInput, $first: Int, $after: String) {
  patients(search: $search, externalId: $id, first: $first, after: $after) {
    nodes { id name } edges { cursor } pageInfo { hasNextPage endCursor } } }"""
CREATE = """mutation ($input: CreatePatientInput!) { createPatient(input: $input) {
  patient { id name phone version externalIds { source id } phones { number } }
  errors { code field } } }"""
UPDATE = """mutation ($input: UpdatePatientInput!) { updatePatient(input: $input) {
  patient { name version } errors { code field message } } }"""
MERGE = """mutation ($s: ID!, $m: ID!, $dry: Boolean) {
  mergePatients(survivorId: $s, mergedId: $m, dryRun: $dry) {
    patient { id externalIds { id } phones { display }
      merges { id tasks appointments by { name } merged { id name phone } } }
    merge { id merged { name } } tasks openTasks contacts appointments errors { code field } } }"""
UNMERGE = """mutation ($id: ID!, $keep: Boolean) {
  unmergePatients(mergeId: $id, keepLaterChanges: $keep) {
    patient { id merges { id } } restored { id name } errors { code field } } }"""
ANY = """query ($id: ID!, $called: ExternalIdInput) {
  patient(id: $id) { id } node(id: $id) { id } called: patient(externalId: $called) { id } }"""
PMS = "pms"


def patient_id(server: Server, place: int) -> str:
    return global_id("Patient", server.office.patients[place].id)


def new(**given: Any) -> dict[str, Any]:
    return {"input": {"name": "Fern Testwell", "phone": "(217) 555-0123"} | given}


async def send(server: Server, query: str, role: str = "supervisor", **variables: Any) -> Any:
    """What the one field of a query gives."""
    (answer,) = (await server.data(query, role, **variables)).values()
    return answer


async def test_a_patient_is_made_and_found_by_each_of_their_names(server: Server) -> None:
    called = {"source": PMS, "id": "p1"}
    made = await send(server, CREATE, **new(externalId=called))
    assert made == {
        "patient": {
            "id": made["patient"]["id"],
            "name": "Fern Testwell",
            "phone": "(217) 555-0123",
            "version": 1,
            "externalIds": [called],
            "phones": [{"number": "+12175550123"}],
        },
        "errors": [],
    }
    only = [{"id": made["patient"]["id"], "name": "Fern Testwell"}]
    for asked in ({"search": " fern "}, {"search": "0123"}, {"id": called}):
        assert (await send(server, FOUND, **asked))["nodes"] == only
    nobody: list[dict[str, Any]] = [{"search": "zz"}, {"id": called | {"source": "crm"}}]
    for asked in nobody:
        assert (await send(server, FOUND, **asked))["nodes"] == []
    again = await send(server, CREATE, **new(externalId=called, name="Else"))
    assert again["errors"] == [{"code": "EXTERNAL_ID_TAKEN", "field": ["input", "externalId"]}]
    assert again["patient"]["name"] == "Fern Testwell"


async def test_patients_come_a_page_at_a_time_the_newest_first(server: Server) -> None:
    names, after = [], None
    for _ in range(3):
        page = await send(server, FOUND, first=1, after=after)
        names += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert names == ["Clover Testwell", "Birch Testwell", "Amber Testwell"]
    assert page["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    "query",
    [
        '{ patients(search: "z") { nodes { id } } }',
        "{ patients(first: 501) { nodes { id } } }",
        '{ patients(after: "x") { nodes { id } } }',
        "{ patient { id } }",
        "{ task { id } }",
        '{ patient(externalId: {source: "", id: "x"}) { id } }',
        '{ task(externalId: {source: "pms", id: " "}) { id } }',
        '{ patients(externalId: {source: "pms", id: ""}) { nodes { id } } }',
        '{ patient(id: "x", externalId: {source: "pms", id: "x"}) { id } }',
    ],
)
async def test_a_question_that_means_nothing_is_bad_input(server: Server, query: str) -> None:
    answer = await server.execute(query)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_task_is_found_by_its_external_id(server: Server) -> None:
    task = await server.office.make_task()
    await Task.filter(id=task.id).update(source=PMS, external_id="t1")
    query = """query ($id: ExternalIdInput) {
        task(externalId: $id) { id externalIds { source id } } }"""
    called = {"source": PMS, "id": "t1"}
    assert await send(server, query, id=called) == {"id": task_id(task), "externalIds": [called]}
    assert await send(server, query, id=called | {"id": "t2"}) is None
    other = await server.office.make_task()
    query = "query ($id: ID!) { task(id: $id) { externalIds { id } } }"
    assert await send(server, query, id=task_id(other)) == {"externalIds": []}


async def test_a_new_name_reaches_the_boards_that_show_the_patient(server: Server) -> None:
    task = await server.office.make_task()
    query = """subscription { queueFeed { __typename
        ... on TaskEvent { kind snapshot { taskId patient { name } } } } }"""
    async with server.socket(server.office.keys["staff"]) as socket:
        await socket.subscribe(query)
        assert (await socket.next_data())["queueFeed"]["__typename"] == "QueueSnapshot"
        given = {"patientId": patient_id(server, 0), "name": "Amber Newname"}
        changed = await send(server, UPDATE, input=given | {"expectedVersion": 1})
        assert changed == {"patient": {"name": "Amber Newname", "version": 2}, "errors": []}
        event = (await socket.next_data())["queueFeed"]
        assert event == {
            "__typename": "TaskEvent",
            "kind": "PATIENT_CHANGED",
            "snapshot": {"taskId": task_id(task), "patient": {"name": "Amber Newname"}},
        }
    late = await send(server, UPDATE, input=given | {"expectedVersion": 1})
    assert late["errors"][0]["code"] == "VERSION_CONFLICT"
    assert late["errors"][0]["field"] == ["input", "expectedVersion"]


async def test_a_merge_is_tried_made_shown_and_undone(server: Server) -> None:
    office = server.office
    await office.log(await office.make_task(patient=office.patients[1]))
    await Patient.filter(id=office.patients[1].id).update(source=PMS, external_id="b")
    amber, birch = patient_id(server, 0), patient_id(server, 1)
    both = {"s": amber, "m": birch}
    planned = await send(server, MERGE, **both, dry=True)
    counts = {"tasks": 1, "openTasks": 1, "contacts": 1, "appointments": 0, "errors": []}
    assert planned.items() >= ({"merge": None} | counts).items()
    merged = await send(server, MERGE, **both)
    assert merged.items() >= counts.items()
    (shown,) = merged["patient"]["merges"]
    assert shown == {
        "id": merged["merge"]["id"],
        "tasks": 1,
        "appointments": 0,
        "by": {"name": "Supervisor of maple"},
        "merged": {"id": birch, "name": "Birch Testwell", "phone": "555-0100"},
    }
    assert merged["patient"]["externalIds"] == [{"id": "b"}]
    called = {"source": PMS, "id": "b"}
    survivor = {"id": amber}
    asked = await server.data(ANY, id=birch, called=called)
    assert asked == {"patient": survivor, "node": survivor, "called": survivor}
    undone = await send(server, UNMERGE, id=shown["id"])
    assert undone == {
        "patient": {"id": amber, "merges": []},
        "restored": {"id": birch, "name": "Birch Testwell"},
        "errors": [],
    }
    asked = await server.data(ANY, id=birch, called=called)
    assert asked == {"patient": {"id": birch}, "node": {"id": birch}, "called": {"id": birch}}
    again = await send(server, UNMERGE, id=shown["id"])
    assert again["errors"] == [{"code": "ALREADY_UNDONE", "field": ["mergeId"]}]


async def test_appointments_stand_beside_their_patient(server: Server) -> None:
    record = """mutation ($id: ID!, $at: DateTime!, $called: String!) {
        recordAppointment(patientId: $id, at: $at, externalId: $called) { errors { code } } }"""
    for number in range(3):
        at = f"2999-01-0{number + 1}T09:00:00Z"
        await server.data(
            record, "partner", id=patient_id(server, 0), at=at, called=f"booking {number}"
        )
    query = """query ($id: ID!, $after: String) { patient(id: $id) {
        appointments(first: 2, after: $after) {
            nodes { at externalId patient { id } } pageInfo { hasNextPage endCursor } } } }"""
    page = (await send(server, query, id=patient_id(server, 0)))["appointments"]
    assert [one["externalId"] for one in page["nodes"]] == ["booking 2", "booking 1"]
    assert page["nodes"][0]["patient"] == {"id": patient_id(server, 0)}
    after = page["pageInfo"]["endCursor"]
    rest = (await send(server, query, id=patient_id(server, 0), after=after))["appointments"]
    assert [one["externalId"] for one in rest["nodes"]] == ["booking 0"]
    assert rest["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("role", "edits", "merges"),
    [("staff", False, False), ("supervisor", True, True), ("partner", True, False)],
)
async def test_who_may(server: Server, role: str, edits: bool, merges: bool) -> None:
    rights = "{ viewer { mayEditPatients mayMergePatients } }"
    assert await send(server, rights, role) == {
        "mayEditPatients": edits,
        "mayMergePatients": merges,
    }
    codes = {True: None, False: "FORBIDDEN"}
    for query, variables, may in (
        (CREATE, new(), edits),
        (UPDATE, {"input": {"patientId": patient_id(server, 0), "name": "A"}}, edits),
        (MERGE, {"s": patient_id(server, 0), "m": patient_id(server, 1)}, merges),
        (UNMERGE, {"id": global_id("PatientMerge", 1)}, merges),
    ):
        answer = await server.execute(query, role, **variables)
        code = answer["errors"][0]["extensions"]["code"] if "errors" in answer else None
        assert code == codes[may], query


async def test_what_was_read_and_changed_is_in_the_audit(server: Server) -> None:
    made = await send(server, CREATE, **new())
    await send(server, MERGE, s=patient_id(server, 0), m=made["patient"]["id"])
    await send(server, FOUND, "staff", search="birch")
    await server.office.changes.drain()
    query = """query ($id: ID!) { audit(patientId: $id) {
        nodes { action operation detail patient { name } } } }"""
    rows = (await send(server, query, "admin", id=made["patient"]["id"]))["nodes"]
    told = [(row["action"], row["operation"], row["detail"]) for row in rows]
    assert ("CHANGE", "mergePatients", "patients merged") in told
    assert ("CHANGE", "createPatient", "patient made") in told
    assert {row["patient"]["name"] for row in rows} == {"Amber Testwell"}

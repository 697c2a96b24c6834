"""People and keys over GraphQL: what admins see and change, and what everybody else is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.access import SESSION, authenticate, people
from gql_app.access.signin import begin_session
from gql_app.schema.ids import global_id
from models.audit import AuditAction
from models.roles import Role
from models.task import Task
from tests.schema.documents import STATUS_CHANGED
from tests.schema.test_roles import error_code
from tests.serving import Server
from tests.support.access import create_key
from tests.support.audited import rows_of
from tests.web.streams import eventually, log_over_http, until_streams

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEMBER = """id name email role state retiredAt invitedUntil signedInAt passkeys claimed assigned
    queues { name }"""
STAFF = f"""query ($first: Int, $after: String, $retired: Boolean) {{
    staff(first: $first, after: $after, includeRetired: $retired) {{
        nodes {{ {MEMBER} }} edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }}
    }} }}"""
INVITE = f"""mutation ($input: InviteStaffInput!) {{ inviteStaff(input: $input) {{
    staff {{ {MEMBER} }} invitation {{ link expiresAt }} errors {{ code message field }} }} }}"""
UPDATE = f"""mutation ($input: UpdateStaffInput!) {{ updateStaff(input: $input) {{
    staff {{ {MEMBER} }} errors {{ code message field }} }} }}"""
RETIRE = f"""mutation ($id: ID!) {{ retireStaff(id: $id) {{
    staff {{ {MEMBER} }} errors {{ code message field }} }} }}"""
RENEW, RESTORE = (
    f"""mutation ($id: ID!) {{ {name}(id: $id) {{
    staff {{ state }} invitation {{ link }} errors {{ code field }} }} }}"""
    for name in ("renewInvite", "restoreStaff")
)
KEY = "id number name role state mayCreateTasks expiresAt revokedAt lastUsedAt queues { name }"
KEYS = f"query ($first: Int) {{ keys(first: $first) {{ nodes {{ {KEY} }} }} }}"
CREATE_KEY = f"""mutation ($input: CreateKeyInput!) {{ createKey(input: $input) {{
    key {{ {KEY} }} secret errors {{ code field }} }} }}"""
ROTATE = f"""mutation ($id: ID!, $days: Int) {{ rotateKey(id: $id, overlapDays: $days) {{
    key {{ {KEY} }} secret errors {{ code field }} }} }}"""
REVOKE = f"""mutation ($id: ID!) {{ revokeKey(id: $id) {{
    key {{ {KEY} }} errors {{ code field }} }} }}"""


async def admin(server: Server, document: str, **variables: Any) -> Any:
    (answer,) = (await server.data(document, "admin", **variables)).values()
    return answer


async def invite(server: Server, name: str = "Kim", **given: Any) -> Any:
    return await admin(server, INVITE, input={"name": name, "role": "STAFF"} | given)


async def session_of(server: Server, link: str) -> str:
    """Accept an invitation, and begin a session."""
    office, token = server.office, link.removeprefix("/#invite=")
    person = await office.changes.make_for(office.practice.id, people.accept, token)
    begun = await office.changes.make_for(office.practice.id, begin_session, person.key_id, "Test")
    return begun.token


async def test_an_admin_invites_changes_retires_and_brings_back(server: Server) -> None:
    office = server.office
    missed = global_id("Queue", office.missed.id)
    made = await invite(server, " Kim ", queueIds=[missed], email="Kim@Maple.example")
    assert made["errors"] == []
    kim = made["staff"]
    assert kim | {"id": 0, "invitedUntil": 0} == {
        "id": 0,
        "name": "Kim",
        "email": "kim@maple.example",
        "role": "STAFF",
        "state": "INVITED",
        "retiredAt": None,
        "invitedUntil": 0,
        "signedInAt": None,
        "passkeys": 0,
        "claimed": 0,
        "assigned": 0,
        "queues": [{"name": "Missed appointments"}],
    }
    assert kim["invitedUntil"] == made["invitation"]["expiresAt"]
    viewer = await authenticate(await session_of(server, made["invitation"]["link"]), SESSION)
    assert (viewer.name, viewer.queue_ids) == ("Kim", frozenset({office.missed.id}))
    assert kim["id"] == global_id("Staff", viewer.staff_id)

    given = {"id": kim["id"], "name": "Kim Newhand", "role": "SUPERVISOR", "queueIds": None}
    changed = (await admin(server, UPDATE, input=given))["staff"]
    assert [changed[name] for name in ("name", "role", "queues", "email")] == [
        *("Kim Newhand", "SUPERVISOR", None, "kim@maple.example"),
    ]
    kept = (await admin(server, UPDATE, input={"id": kim["id"], "email": None}))["staff"]
    assert (kept["name"], kept["queues"], kept["email"]) == ("Kim Newhand", None, None)

    retired = (await admin(server, RETIRE, id=kim["id"]))["staff"]
    assert (retired["state"], retired["retiredAt"] is None) == ("RETIRED", False)
    assert (await admin(server, STAFF))["nodes"] == []
    assert [row["id"] for row in (await admin(server, STAFF, retired=True))["nodes"]] == [kim["id"]]
    back = await admin(server, RESTORE, id=kim["id"])
    assert (back["errors"], back["staff"]["state"]) == ([], "INVITED")
    again = await admin(server, RENEW, id=kim["id"])
    assert again["invitation"]["link"].startswith("/#invite=ci_")
    rows = await rows_of(office.practice, AuditAction.KEY)
    mine = [row for row in rows if row.staff_id == office.admin.staff_id]
    number = viewer.staff_id
    assert [(row.operation, row.detail) for row in mine] == [
        ("inviteStaff", f"staff {number} invited, STAFF"),
        ("updateStaff", f"staff {number} set: name, role, all_queues; SUPERVISOR"),
        ("updateStaff", f"staff {number} set: email; SUPERVISOR"),
        ("retireStaff", f"staff {number} retired"),
        ("restoreStaff", f"staff {number} brought back, SUPERVISOR"),
        ("renewInvite", f"staff {number} invited again"),
    ]


@sqlite_only
async def test_refusals_name_the_field_and_are_in_the_audit(server: Server) -> None:
    await invite(server)
    refused = await invite(server)
    assert (refused["staff"], refused["invitation"]) == (None, None)
    (error,) = refused["errors"]
    assert (error["code"], error["field"]) == ("NAME_TAKEN", ["input", "name"])
    office = server.office
    gone = await admin(server, RETIRE, id=global_id("Staff", office.staff.staff_id))
    assert (gone["staff"], gone["errors"][0]["code"]) == (None, "NOT_FOUND")

    async def told() -> bool:
        rows = await rows_of(office.practice, AuditAction.REFUSED)
        return {(row.operation, row.result) for row in rows} == {
            ("inviteStaff", "NAME_TAKEN"),
            ("retireStaff", "NOT_FOUND"),
        }

    await eventually(told)


@sqlite_only
async def test_an_unknown_role_and_a_wrong_overlap_are_bad_input(server: Server) -> None:
    key = server.office.keys["admin"]
    bad: list[tuple[str, dict[str, Any]]] = [
        (INVITE, {"input": {"name": "Kim", "role": "OWNER"}}),
        (CREATE_KEY, {"input": {"name": "Kim", "role": "owner"}}),
        (ROTATE, {"id": global_id("Key", server.office.staff.key_id), "days": 367}),
        (ROTATE, {"id": global_id("Staff", 1)}),
    ]
    for document, variables in bad:
        assert await error_code(server, key, document, **variables) == "BAD_USER_INPUT"


@sqlite_only
async def test_nobody_else_sees_people_or_keys(server: Server) -> None:
    office = server.office
    limited = await create_key(office.practice, Role.ADMIN, "Desk", queue_ids=[office.recall.id])
    keys = [office.keys[role] for role in ("staff", "supervisor", "partner")]
    for key in (*keys, limited):
        for document in (STAFF, KEYS):
            assert await error_code(server, key, document) == "FORBIDDEN"
    for key in (office.keys["staff"], office.keys["partner"]):
        assert await error_code(server, key, "{ assignees { id } }") == "FORBIDDEN"


@sqlite_only
async def test_people_and_keys_are_read_a_page_at_a_time(server: Server) -> None:
    names = ["Ada", "Bea", "Cem"]
    for name in names:
        await invite(server, name)
    page = await admin(server, STAFF, first=2)
    assert ([row["name"] for row in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (
        ["Ada", "Bea"],
        True,
    )
    rest = await admin(server, STAFF, first=2, after=page["pageInfo"]["endCursor"])
    assert [row["name"] for row in rest["nodes"]] == ["Cem"]
    newest = (await admin(server, KEYS, first=1))["nodes"]
    assert [key["name"] for key in newest] == ["Partner of maple"]


@sqlite_only
async def test_a_supervisor_finds_to_whom_tasks_may_be_given(server: Server) -> None:
    office = server.office
    kim = (await invite(server))["staff"]
    gone = (await invite(server, "Gone"))["staff"]
    await admin(server, RETIRE, id=gone["id"])
    shown = (await server.data("{ assignees { id name } }", "supervisor"))["assignees"]
    assert [one["name"] for one in shown] == [
        *("Admin of maple", "Kim", "Staff of maple", "Supervisor of maple"),
    ]
    task = await office.make_task()
    reassign = """mutation ($input: ReassignTasksInput!) { reassignTasks(input: $input) {
        changed errors { code } } }"""
    given = {"ids": [global_id("Task", task.id)], "toStaffId": kim["id"]}
    moved = await server.data(reassign, "supervisor", input=given)
    assert moved["reassignTasks"] == {"changed": 1, "errors": []}
    (row,) = (await admin(server, STAFF))["nodes"]
    assert (row["assigned"], row["claimed"]) == (1, 0)
    limited = await create_key(
        office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.missed.id]
    )
    await create_key(office.practice, Role.STAFF, "Elsewhere", queue_ids=[office.recall.id])
    answer = (await server.post({"query": "{ assignees { name } }"}, limited)).json()
    assert "Elsewhere" not in str(answer)
    assert "Kim" in str(answer)


@sqlite_only
async def test_who_is_retired_is_disconnected_and_gives_everything_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)
    office = server.office
    made = await invite(server)
    key = await create_key(office.practice, Role.STAFF, "Kim")
    task, other_task = await office.make_task(), await office.make_task()
    await Task.filter(id=task.id).update(assignee_id=(await authenticate(key)).staff_id)
    async with server.socket(key) as socket, server.socket(office.keys["staff"]) as other:
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        renamed = {"id": made["staff"]["id"], "name": "Kim Newhand"}
        assert (await admin(server, UPDATE, input=renamed))["errors"] == []
        await log_over_http(server, other_task)
        assert (await socket.next_data())["taskStatusChanged"]["kind"] == "CONTACT_LOGGED"
        await admin(server, RETIRE, id=made["staff"]["id"])
        assert await socket.closed() == (4403, "Key revoked or changed")
        await other.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
    await task.refresh_from_db()
    assert task.assignee_id is None


async def test_a_key_is_made_rotated_and_revoked(server: Server) -> None:
    office = server.office
    ends = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
    given = {"name": "Robot", "role": "PARTNER", "mayCreateTasks": True}
    given |= {"queueIds": [global_id("Queue", office.recall.id)], "expiresAt": ends.isoformat()}
    made = await admin(server, CREATE_KEY, input=given)
    viewer = await authenticate(made["secret"])
    assert viewer.name == "Robot"
    assert viewer.may_create_tasks
    key = made["key"]
    assert key | {"id": 0} == {
        "id": 0,
        "number": str(viewer.key_id),
        "name": "Robot",
        "role": "PARTNER",
        "state": "VALID",
        "mayCreateTasks": True,
        "expiresAt": ends.isoformat(),
        "revokedAt": None,
        "lastUsedAt": None,
        "queues": [{"name": "Overdue recall"}],
    }
    new = await admin(server, ROTATE, id=key["id"], days=1)
    assert (await authenticate(new["secret"])).queue_ids == viewer.queue_ids
    assert new["key"]["expiresAt"] is None
    shown = {row["id"]: row for row in (await admin(server, KEYS))["nodes"]}
    assert shown[key["id"]]["expiresAt"] < key["expiresAt"]
    assert "secret" not in str(shown)
    ended = await admin(server, REVOKE, id=key["id"])
    assert (ended["errors"], ended["key"]["state"]) == ([], "REVOKED")
    assert (await admin(server, REVOKE, id=key["id"]))["errors"] == []
    refused = await admin(server, ROTATE, id=key["id"])
    assert refused["errors"] == [{"code": "KEY_ENDED", "field": ["id"]}]
    assert (refused["secret"], refused["key"]["state"]) == (None, "REVOKED")


@sqlite_only
async def test_a_key_that_cannot_be_made_is_refused(server: Server) -> None:
    before = len((await admin(server, KEYS))["nodes"])
    given: dict[str, object] = {"name": "Robot", "role": "STAFF"}
    for wrong, code, field in (
        ({"name": " "}, "NAME_REQUIRED", "name"),
        ({"name": "x" * 201}, "TEXT_TOO_LONG", "name"),
        ({"queueIds": []}, "QUEUES_REQUIRED", "queueIds"),
        ({"queueIds": [global_id("Queue", 999_999)]}, "NOT_FOUND", "queueIds"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "EXPIRY_IN_PAST", "expiresAt"),
    ):
        made = await admin(server, CREATE_KEY, input=given | wrong)
        assert made["errors"] == [{"code": code, "field": ["input", field]}]
        assert (made["key"], made["secret"]) == (None, None)
    for document in (ROTATE, REVOKE):
        missing = await admin(server, document, id=global_id("Key", 999_999))
        assert missing["errors"] == [{"code": "NOT_FOUND", "field": ["id"]}]
    assert len((await admin(server, KEYS))["nodes"]) == before

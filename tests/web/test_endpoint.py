"""POST /graphql: whatever comes in, the answer is JSON with a code, and nothing else happens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from models.access import AccessKey
from models.contact import Contact
from models.event import TaskEvent
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.serving import Server
from tests.support.access import create_key

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEWER = "{ viewer { role } }"
LOG = 'mutation { logContact(taskId: "TASK", outcome: SCHEDULED, close: true) { task { id } } }'


def refused(response: httpx.Response, code: str) -> dict[str, Any]:
    """The first error of an answer that must be a JSON refusal with `code`."""
    assert response.headers["content-type"] == "application/json"
    assert "Traceback" not in response.text
    assert 'File "' not in response.text
    error: dict[str, Any] = response.json()["errors"][0]
    assert error["extensions"]["code"] == code, response.text
    return error


async def is_untouched(task: Task) -> bool:
    """Whether nothing was written since the task was made."""
    await task.refresh_from_db()
    made = await Task.all().count(), await Contact.all().count(), await TaskEvent.all().count()
    return task.version == 1 and made == (1, 0, 1)


@sqlite_only
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"query": "\xff"}', b"[" * 100_000, b'{"query": "\\ud800"}']
)
async def test_a_body_that_is_not_json_is_refused(server: Server, body: bytes) -> None:
    response = await server.post(body, server.office.keys["staff"])
    assert response.status_code == 400
    refused(response, "BAD_USER_INPUT")


@sqlite_only
async def test_a_body_of_a_megabyte_is_refused_with_413(server: Server) -> None:
    task = await server.office.make_task()
    body = {"query": LOG.replace("TASK", task_id(task)), "notes": "x" * 1_000_000}
    response = await server.post(body, server.office.keys["staff"])
    assert response.status_code == 413
    refused(response, "BAD_USER_INPUT")
    assert await is_untouched(task)
    assert await server.data(VIEWER)


@sqlite_only
@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_a_body_that_does_not_say_it_is_json_is_refused_with_415(
    server: Server, media_type: str
) -> None:
    task = await server.office.make_task()
    body = {"query": LOG.replace("TASK", task_id(task))}
    response = await server.post(body, server.office.keys["staff"], content_type=media_type)
    assert response.status_code == 415
    refused(response, "BAD_USER_INPUT")
    assert await is_untouched(task)


@sqlite_only
@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
async def test_json_may_be_said_in_any_case_and_with_parameters(
    server: Server, media_type: str
) -> None:
    response = await server.post(
        {"query": VIEWER}, server.office.keys["staff"], content_type=media_type
    )
    assert response.json() == {"data": {"viewer": {"role": "STAFF"}}}


@sqlite_only
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_answered(server: Server, method: str) -> None:
    key = {"authorization": f"Bearer {server.office.keys['staff']}"}
    response = await server.client.request(
        method, "/graphql", params={"query": VIEWER}, headers=key
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    refused(response, "BAD_USER_INPUT")


@sqlite_only
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer cb_1_nonsense",
        "Bearer cb__",
        "Bearer cb_x_y",
        "Bearer cb_99999999999999999999_x",
        "Bearer cb_\xb2_x",
        "Bearer " + "x" * 5_000,
        "Basic {key}",
        "{key}",
    ],
)
async def test_without_a_valid_key_nothing_is_answered(
    server: Server, authorization: str | None
) -> None:
    task = await server.office.make_task()
    headers = {"content-type": "application/json"}
    if authorization is not None:
        headers["authorization"] = authorization.format(key=server.office.keys["staff"])
    response = await server.client.post(
        "/graphql",
        json={"query": LOG.replace("TASK", task_id(task))},
        headers={name.encode(): value.encode("latin-1") for name, value in headers.items()},
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    refused(response, "UNAUTHENTICATED")
    assert await is_untouched(task)


async def test_an_expired_key_and_a_revoked_key_are_refused_in_the_same_words(
    server: Server,
) -> None:
    now, practice = datetime.now(UTC), server.office.practice
    expired = await create_key(
        practice, Role.STAFF, "Old", expires_at=now - timedelta(microseconds=1)
    )
    revoked = server.office.keys["staff"]
    await AccessKey.filter(practice_id=practice.id, id=server.office.staff.key_id).update(
        revoked_at=now
    )
    answers = [await server.post({"query": VIEWER}, key) for key in (expired, revoked, "cb_1_x")]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({refused(answer, "UNAUTHENTICATED")["message"] for answer in answers}) == 1


@sqlite_only
async def test_an_error_on_our_side_is_masked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("gql_app.schema.tasks.tasks_page", fail)
    response = await server.post(
        {"query": "{ tasks { nodes { id } } }"}, server.office.keys["staff"]
    )
    error = refused(response, "INTERNAL")
    assert len(error["extensions"]["correlationId"]) == 16
    monkeypatch.setattr("gql_app.access.KeyLookup.authenticate", fail)
    response = await server.post({"query": VIEWER}, server.office.keys["staff"])
    assert response.status_code == 500
    refused(response, "INTERNAL")
    assert "secret" not in response.text

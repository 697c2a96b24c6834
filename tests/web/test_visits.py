"""Who supervises a group signs in once, and looks into each of its practices."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from gql_app.schema.viewer import viewer_id
from models.access import AccessKey, KeyKind
from models.audit import Audit, AuditAction
from models.group import GroupPractice, GroupSupervisor, PracticeGroup
from models.practice import Practice
from models.roles import Role
from tests.office import Office, make_office, task_id
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server, TestSocket
from tests.support import access
from tests.support.groups import (
    KIM,
    Page,
    guest_at,
    make_group,
    make_person,
    make_supervisor,
    practice_id,
    sign_in,
)
from tests.web.streams import EventStream, eventually, until_streams

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEWER = """{ viewer { id name role group { name practices { id slug name isHome } }
  practice { slug } staff { name } sessions { id } passkeys { id } mayManageAccess } }"""
TASKS = "{ tasks(first: 10) { nodes { reason } } }"
LOG = """mutation ($id: ID!) { logContact(
  taskId: $id, outcome: SCHEDULED, close: true) { errors { code } task { status } } }"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)
    monkeypatch.setattr("gql_app.access.last_use.ROUND_SECONDS", 0.05)


class Trees(NamedTuple):
    """A group of two practices, a third one that is in none, and a page of who supervises it."""

    home: Office
    away: Office
    foreign: Office
    group: PracticeGroup
    person: AccessKey
    page: Page


@pytest.fixture
async def trees(server: Server) -> Trees:
    home, away, foreign = server.office, await make_office("birch"), await make_office("elm")
    group = await make_group(home.changes, home.practice, away.practice)
    person = await make_supervisor(home.changes, group, home.practice)
    await home.make_task(reason="Of home")
    await away.make_task(reason="Of away")
    await foreign.make_task(reason="Of neither")
    page = await sign_in(server, person)
    await sign_in(server, person)  # elsewhere, which keeps nothing alive here
    return Trees(home, away, foreign, group, person, page)


async def begin(trees: Trees) -> str:
    """Begin the visit. Returns the id of the viewer there."""
    answer = await trees.page.visit(trees.away.practice)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["viewer"])


async def reasons(page: Page, practice: Practice | None = None) -> list[str]:
    nodes = (await page.data(TASKS, practice))["tasks"]["nodes"]
    return [node["reason"] for node in nodes]


async def test_one_signs_in_once_and_sees_each_practice_by_itself(trees: Trees) -> None:
    page, away = trees.page, trees.away.practice
    there = await begin(trees)
    assert await reasons(page) == ["Of home"]
    assert await reasons(page, away) == ["Of away"]
    assert await reasons(page, trees.home.practice) == ["Of home"], "its own id is home"
    home, guest = [(await page.data(VIEWER, p))["viewer"] for p in (None, away)]
    assert (home["practice"]["slug"], guest["practice"]["slug"]) == ("maple", "birch")
    assert (home["name"], guest["name"]) == (KIM, f"{KIM} (Tree Dental)")
    assert (guest["role"], guest["mayManageAccess"]) == ("SUPERVISOR", False)
    assert (guest["sessions"], guest["passkeys"]) == ([], None)
    assert guest["id"] == there != home["id"]


async def test_the_group_is_named_at_home_and_on_a_visit_and_to_nobody_else(
    server: Server, trees: Trees
) -> None:
    await begin(trees)
    practices = [
        {"id": practice_id(p), "slug": p.slug, "name": p.name, "isHome": p is trees.home.practice}
        for p in (trees.away.practice, trees.home.practice)
    ]
    group = {"name": "Tree Dental", "practices": practices}
    for practice in (None, trees.away.practice):
        assert (await trees.page.data(VIEWER, practice))["viewer"]["group"] == group
    for role in trees.home.keys:
        assert (await server.data(VIEWER, role))["viewer"]["group"] is None
    other = await sign_in(server, await make_person(trees.home.changes, trees.home.practice, "Lee"))
    assert (await other.data(VIEWER))["viewer"]["group"] is None
    await Practice.filter(id=trees.away.practice.id).update(archived_at=datetime.now(UTC))
    shown = (await trees.page.data(VIEWER))["viewer"]["group"]["practices"]
    assert [practice["slug"] for practice in shown] == ["maple"]


async def test_a_key_and_its_session_supervise_nothing_whatever_their_name(
    server: Server, trees: Trees
) -> None:
    key = await access.create_key(trees.home.practice, Role.SUPERVISOR, KIM)
    token = (await access.sign_in(key)).token
    page = Page(server, server.client, token, trees.page.viewer)
    assert (await page.data(VIEWER))["viewer"]["group"] is None
    assert (await page.visit(trees.away.practice)).status_code == 403
    answer = await trees.page.visit(trees.away.practice, authorization=f"Bearer {key}")
    assert answer.status_code == 403


async def test_no_practice_but_those_of_the_group_is_visited_and_all_others_are_refused_alike(
    server: Server, trees: Trees
) -> None:
    unknown = Practice(id=10**6, slug="none")
    refused = [await trees.page.visit(p) for p in (trees.foreign.practice, unknown)]
    assert {answer.status_code for answer in refused} == {403}
    assert refused[0].json() == refused[1].json()
    lee = await make_person(trees.home.changes, trees.home.practice, "Lee")
    other = await sign_in(server, lee)
    assert (await other.visit(trees.away.practice)).json() == refused[0].json()
    assert await AccessKey.filter(kind=KeyKind.VISIT).count() == 0
    await trees.page.visit(trees.foreign.practice)
    there = await Audit.filter(practice_id=trees.foreign.practice.id, operation="visit").count()
    assert there == 0, "nobody writes into the audit of a practice that they may not see"

    async def is_noted() -> bool:
        here = Audit.filter(practice_id=trees.home.practice.id, operation="visit")
        return await here.filter(action=AuditAction.REFUSED, result="FORBIDDEN").exists()

    await eventually(is_noted)


BAD: dict[str, tuple[Any, int]] = {
    "no object": ([], 400),
    "no practice": ({}, 400),
    "no text": ({"practice": 7}, 400),
    "made up": ({"practice": "x"}, 400),
    "of a task": ({"practice": "task"}, 400),
    "too large": ({"practice": "x" * 100_000}, 413),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_is_no_request_is_refused(trees: Trees, what: str) -> None:
    body, status = BAD[what]
    if what == "of a task":
        body = {"practice": task_id(await trees.home.make_task())}
    page = trees.page
    answer = await page.client.post("/visits", json=body, headers=page.headers())
    assert answer.status_code == status, answer.text


async def test_only_pages_of_this_server_visit(trees: Trees) -> None:
    page = trees.page
    for origin in ("https://elsewhere.example", ""):
        answer = await page.visit(trees.away.practice, origin=origin)
        assert answer.status_code == 403
    body = {"practice": practice_id(trees.away.practice)}
    answer = await page.client.post("/visits", json=body, headers={"origin": page.server.url})
    assert answer.status_code == 401


async def test_a_practice_is_looked_into_by_who_has_begun_a_visit_with_their_own_session(
    server: Server, trees: Trees
) -> None:
    page, away = trees.page, trees.away.practice
    assert (await page.post(TASKS, away)).status_code == 401, "not begun"
    await begin(trees)
    assert (await page.post(TASKS, away)).status_code == 200
    again = await sign_in(server, trees.person)
    lee = await make_supervisor(trees.home.changes, trees.group, trees.home.practice, "Lee")
    stranger = await sign_in(server, await make_person(trees.home.changes, away, "Max"))
    for other in (again, await sign_in(server, lee)):
        assert (await other.post(TASKS, away)).status_code == 401, "another session's visit"
    assert (await stranger.post(TASKS, trees.home.practice)).status_code == 401
    for unknown in (trees.foreign.practice, Practice(id=10**6)):
        assert (await page.post(TASKS, unknown)).status_code == 401
    made_up = page.headers() | {"x-callboard-practice": "made up"}
    answer = await page.client.post("/graphql", json={"query": TASKS}, headers=made_up)
    assert answer.status_code == 401
    nobody = {"origin": server.url, "x-callboard-practice": practice_id(away)}
    answer = await page.client.post("/graphql", json={"query": TASKS}, headers=nobody)
    assert answer.status_code == 401


@pytest.mark.parametrize("which", ["own", "other"])
async def test_a_key_is_good_for_its_own_practice_whatever_a_header_says(
    server: Server, trees: Trees, which: str
) -> None:
    await begin(trees)
    practice = trees.home.practice if which == "own" else trees.away.practice
    header = {"x_callboard_practice": practice_id(practice)}
    key = trees.home.keys["supervisor"]
    answer = await server.post({"query": TASKS}, key, **header, **trees.page.cookie)
    assert answer.status_code == 401, answer.text
    async with server.socket(init=False) as socket:
        payload = {"authorization": f"Bearer {key}", "practice": practice_id(practice)}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closed() == (4403, "Forbidden")


async def test_a_request_is_carried_out_for_whom_the_page_was_loaded(trees: Trees) -> None:
    page, away = trees.page, trees.away.practice
    there = await begin(trees)
    for practice, meant, status in (
        (away, there, 200),
        (None, viewer_id(page.viewer), 200),
        (away, viewer_id(page.viewer), 401),
        (None, there, 401),
    ):
        headers = page.headers(practice) | {"x-callboard-viewer": meant}
        answer = await page.client.post("/graphql", json={"query": TASKS}, headers=headers)
        assert answer.status_code == status, (practice, meant)


async def test_nobody_is_signed_out_or_kept_for_whom_the_request_was_not_meant(
    server: Server, trees: Trees
) -> None:
    there = await begin(trees)
    lee = await make_supervisor(trees.home.changes, trees.group, trees.home.practice, "Lee")
    other = await sign_in(server, lee)
    assert (await other.visit(trees.away.practice)).status_code == 200
    for practice in (None, trees.away.practice):
        for meant in (there, viewer_id(trees.page.viewer)):
            headers = other.headers(practice) | {"x-callboard-viewer": meant}
            assert (await other.client.put("/session", headers=headers)).status_code == 401
            await other.client.delete("/session", headers=headers)
            assert (await other.post(TASKS)).status_code == 200


async def test_a_visit_goes_on_when_it_is_asked_for_again(trees: Trees) -> None:
    first = await begin(trees)
    trees.page.client.cookies.clear()
    assert await begin(trees) == first
    visits = AccessKey.filter(practice_id=trees.away.practice.id, kind=KeyKind.VISIT)
    assert [visit.expires_at for visit in await visits] == [trees.page.viewer.expires_at]
    answer = await trees.page.visit(trees.home.practice)
    assert answer.json() == {"viewer": viewer_id(trees.page.viewer)}, "home needs none"


async def test_a_visit_is_audited_where_it_happened(trees: Trees) -> None:
    guest = await guest_at(trees.away)
    await begin(trees)
    task = await trees.away.make_task(reason="To close")
    await reasons(trees.page, trees.away.practice)
    logged = await trees.page.data(LOG, trees.away.practice, id=task_id(task))
    assert logged["logContact"] == {"errors": [], "task": {"status": "CLOSED"}}
    visit = await AccessKey.get(practice_id=trees.away.practice.id, kind=KeyKind.VISIT)
    there = Audit.filter(practice_id=trees.away.practice.id, key_id=visit.id)

    async def is_written() -> bool:
        return await there.filter(action=AuditAction.READ).exists()

    await eventually(is_written)
    sign_in = await there.get(action=AuditAction.SIGN_IN)
    assert (sign_in.operation, sign_in.address) == ("visit", "127.0.0.1")
    assert sign_in.detail == f"a visit from maple, by session {trees.page.viewer.key_id} there"
    assert {row.action for row in await there} == {"SIGN_IN", "READ", "CHANGE"}
    assert {row.staff_id for row in await there} == {guest.staff_id}
    at_home = Audit.filter(practice_id=trees.home.practice.id, key_id=trees.page.viewer.key_id)
    assert {row.action for row in await at_home} == {"SIGN_IN"}


async def test_nobody_gives_tasks_to_a_guest(server: Server, trees: Trees) -> None:
    await begin(trees)
    asked = "{ assignees { name } }"
    names = [p["name"] for p in (await trees.page.data(asked, trees.away.practice))["assignees"]]
    assert names
    assert not any(KIM in name for name in names)


async def test_only_the_persons_of_a_practice_are_listed_to_its_admins(
    server: Server, trees: Trees
) -> None:
    asked = {"query": "{ staff(first: 9) { nodes { name } } keys(first: 9) { nodes { name } } }"}
    answer = await server.post(asked, trees.away.keys["admin"])
    assert KIM not in answer.text


@asynccontextmanager
async def watching(trees: Trees) -> AsyncIterator[tuple[TestSocket, EventStream]]:
    """A socket and an event stream of the page, both on the visit."""
    server, page, away = trees.page.server, trees.page, trees.away.practice
    headers = page.headers(away) | {"accept": "text/event-stream"}
    body = {"query": STATUS_CHANGED}
    options: dict[str, Any] = {"additional_headers": page.cookie, "origin": server.url}
    async with (
        server.socket(init=False, **options) as socket,
        page.client.stream("POST", "/graphql", json=body, headers=headers) as stream,
    ):
        payload = {"practice": practice_id(away)}
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.next())["type"] == "connection_ack"
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 2)
        yield socket, EventStream(stream)


async def test_a_socket_on_a_visit_hears_of_that_practice_alone(trees: Trees) -> None:
    await begin(trees)
    async with watching(trees) as (socket, _):
        at_home = await trees.home.make_task(reason="At home")
        task = await trees.away.make_task(reason="Away")
        await trees.page.data(LOG, None, id=task_id(at_home))
        await trees.page.data(LOG, trees.away.practice, id=task_id(task))
        changed = (await socket.next_data())["taskStatusChanged"]
        assert (changed["kind"], changed["task"]["id"]) == ("CREATED", task_id(task))
        changed = (await socket.next_data())["taskStatusChanged"]
        assert (changed["kind"], changed["task"]["id"]) == ("CONTACT_LOGGED", task_id(task))
        assert socket.messages.empty()


async def now() -> dict[str, datetime]:
    return {"revoked_at": datetime.now(UTC)}


async def sign_out(trees: Trees) -> None:
    answer = await trees.page.client.delete("/session", headers=trees.page.headers())
    assert answer.status_code == 204


async def sign_out_from_the_visit(trees: Trees) -> None:
    """As the page may send it, with what it sends along with all else."""
    there = (await trees.page.data(VIEWER, trees.away.practice))["viewer"]["id"]
    headers = trees.page.headers(trees.away.practice) | {"x-callboard-viewer": there}
    assert (await trees.page.client.delete("/session", headers=headers)).status_code == 204


async def revoke_session(trees: Trees) -> None:
    await AccessKey.filter(id=trees.page.viewer.key_id).update(**await now())


async def forget_session(trees: Trees) -> None:
    await AccessKey.filter(id=trees.page.viewer.key_id).delete()


async def revoke_guest(trees: Trees) -> None:
    await AccessKey.filter(id=(await guest_at(trees.away)).id).update(**await now())


async def revoke_visit(trees: Trees) -> None:
    await AccessKey.filter(kind=KeyKind.VISIT).update(**await now())


async def expire(trees: Trees) -> None:
    await AccessKey.filter(kind=KeyKind.VISIT).update(expires_at=datetime.now(UTC))


async def take_practice_out(trees: Trees) -> None:
    await GroupPractice.filter(practice_id=trees.away.practice.id).delete()


async def put_practice_elsewhere(trees: Trees) -> None:
    other = await make_group(trees.home.changes, slug="other")
    await GroupPractice.filter(practice_id=trees.away.practice.id).update(group_id=other.id)


async def dismiss(trees: Trees) -> None:
    await GroupSupervisor.all().delete()


async def archive(trees: Trees) -> None:
    await Practice.filter(id=trees.away.practice.id).update(archived_at=datetime.now(UTC))


async def archive_home(trees: Trees) -> None:
    await Practice.filter(id=trees.home.practice.id).update(archived_at=datetime.now(UTC))


async def retire(trees: Trees) -> None:
    await access.retire(trees.home.changes, trees.home.practice, KIM)


async def lower(trees: Trees) -> None:
    await access.invite(trees.home.changes, trees.home.practice, KIM, Role.STAFF)


async def be_idle(trees: Trees) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=31)
    await AccessKey.filter(id=trees.page.viewer.key_id).update(last_used_at=begun)


ENDS: list[Callable[[Trees], Awaitable[None]]] = [
    sign_out,
    sign_out_from_the_visit,
    revoke_session,
    forget_session,
    revoke_guest,
    revoke_visit,
    expire,
    take_practice_out,
    put_practice_elsewhere,
    dismiss,
    archive,
    archive_home,
    retire,
    lower,
    be_idle,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_a_visit_ends_with_all_its_streams(
    trees: Trees, end: Callable[[Trees], Awaitable[None]]
) -> None:
    await begin(trees)
    async with watching(trees) as (socket, stream):
        await end(trees)
        assert (await socket.closed())[0] == 4403
        (error,) = (await stream.result())["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert (await trees.page.post(TASKS, trees.away.practice)).status_code == 401


@pytest.mark.parametrize(
    "end",
    [revoke_guest, take_practice_out, put_practice_elsewhere, dismiss, archive, retire, lower],
    ids=lambda end: end.__name__,
)
async def test_no_visit_begins_any_more(
    server: Server, trees: Trees, end: Callable[[Trees], Awaitable[None]]
) -> None:
    await end(trees)
    if end is retire:
        await access.invite(trees.home.changes, trees.home.practice, KIM, Role.SUPERVISOR)
    page = await sign_in(server, trees.person)
    assert (await page.visit(trees.away.practice)).status_code == 403


async def test_a_visit_lasts_while_its_person_is_active_at_home(trees: Trees) -> None:
    await begin(trees)
    page = trees.page
    session = AccessKey.filter(id=page.viewer.key_id)
    almost = datetime.now(UTC) - timedelta(minutes=29)
    for practice in (None, trees.away.practice):
        await session.update(last_used_at=almost)
        assert (await page.post(TASKS, trees.away.practice)).status_code == 200
        answer = await page.client.put("/session", headers=page.headers(practice))
        assert answer.status_code == 200

        async def is_active() -> bool:
            used_at = (await session.get()).last_used_at
            return used_at is not None and used_at > almost + timedelta(minutes=1)

        await eventually(is_active)


async def test_who_guesses_visits_is_slowed(server: Server, trees: Trees) -> None:
    await begin(trees)
    foreign = trees.foreign.practice
    statuses = {(await trees.page.post(TASKS, foreign)).status_code for _ in range(15)}
    assert statuses == {401, 429}
    assert (await trees.page.post(TASKS, trees.away.practice)).status_code == 200

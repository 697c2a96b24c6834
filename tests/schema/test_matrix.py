"""Two practices side by side: nine kinds of key of one, a guest there, and all that the other has.
Whatever a key names of the other practice is as good as missing, and no answer shows any of it.

What a limited key sees of its own practice is in test_isolation.py.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work.reads.cursors import due_cursor, event_cursor, id_cursor
from models.chain import Position
from models.practice import Practice
from models.roles import Role
from tests.office import make_office
from tests.schema.attacks import MUTATIONS, QUERIES, SUBSCRIPTIONS
from tests.schema.hidden import NOTHING, World, make_world
from tests.schema.test_isolation import assert_no_canary, send, verdict
from tests.schema.walk import document
from tests.serving import METRICS_TOKEN, Server
from tests.support.access import create_key
from tests.support.groups import Page, make_group, make_supervisor, sign_in

ONE_DATABASE = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

KINDS: dict[str, tuple[Role, bool, bool]] = {
    "staff": (Role.STAFF, False, False),
    "supervisor": (Role.SUPERVISOR, False, False),
    "admin": (Role.ADMIN, False, False),
    "partner": (Role.PARTNER, False, False),
    "partner who may create tasks": (Role.PARTNER, True, False),
    "staff of one queue": (Role.STAFF, False, True),
    "supervisor of one queue": (Role.SUPERVISOR, False, True),
    "partner of one queue": (Role.PARTNER, False, True),
    "partner of one queue who may create tasks": (Role.PARTNER, True, True),
}
"""A role, whether the key may create tasks, and whether it is limited to one queue."""


@pytest.fixture
async def here(server: Server) -> dict[str, World]:
    """One practice, as each kind of key sees it. It has nothing that is called a canary."""
    office = await make_office("here")
    seen = await office.make_task()
    await office.log(seen, notes="Of this practice")
    worlds = {}
    for kind, (role, may_create, limited) in KINDS.items():
        queue_ids = [office.recall.id] if limited else None
        key = await create_key(
            office.practice, role, kind, queue_ids=queue_ids, may_create_tasks=may_create
        )
        worlds[kind] = World(office, key, await authenticate(key), seen, NOTHING)
    return worlds


@pytest.fixture
async def there(server: Server) -> World:
    """The other practice: each of its rows has a canary, or is unknown here."""
    return await make_world("there", Role.STAFF, may_create_tasks=False)


@ONE_DATABASE
async def test_no_query_shows_anything_of_another_practice(
    server: Server, here: dict[str, World], there: World
) -> None:
    for kind, world in here.items():
        for name, attacks in QUERIES.items():
            for place, attack in enumerate(attacks):
                where = f"{kind}: {name} {place}"
                foreign, missing = [
                    await send(server, world.key, "query", name, attack(world, named))
                    for named in (there.named, NOTHING)
                ]
                assert_no_canary(json.dumps(foreign), where)
                assert foreign == missing, where


async def visit_here(server: Server, there: World) -> Page:
    """Somebody's page, who has signed in at a third practice and visits this one."""
    home, changes = await make_office("home"), there.office.changes
    here = await Practice.get(slug="here")
    group = await make_group(changes, home.practice, here)
    page = await sign_in(server, await make_supervisor(changes, group, home.practice))
    assert (await page.visit(here)).status_code == 200
    await home.make_task(reason="A canary at home")
    return page


@ONE_DATABASE
async def test_no_query_of_a_guest_shows_anything_of_another_practice(
    server: Server, here: dict[str, World], there: World
) -> None:
    page, world = await visit_here(server, there), here["supervisor"]
    for name, attacks in QUERIES.items():
        for place, attack in enumerate(attacks):
            where = f"guest: {name} {place}"
            foreign, missing = [
                await page.post(
                    document("query", name), world.office.practice, **attack(world, named)
                )
                for named in (there.named, NOTHING)
            ]
            assert_no_canary(foreign.text, where)
            assert foreign.status_code == 200, (where, foreign.text)
            assert verdict(foreign.json()) == verdict(missing.json()), where


@ONE_DATABASE
async def test_no_mutation_changes_anything_of_another_practice(
    server: Server, here: dict[str, World], there: World
) -> None:
    before = await there.everything()
    for kind, world in here.items():
        for name, attacks in MUTATIONS.items():
            for place, attack in enumerate(attacks):
                where = f"{kind}: {name} {place}"
                foreign, missing = [
                    await send(server, world.key, "mutation", name, attack(world, named))
                    for named in (there.named, NOTHING)
                ]
                assert_no_canary(json.dumps(foreign), where)
                assert verdict(foreign) == verdict(missing), where
    assert await there.everything() == before


def cursors(there: World) -> Iterator[tuple[str, str, Any]]:
    """Kind and name of a field, and a cursor of the other practice that it may be given."""
    practice, task = there.office.practice.id, there.seen
    yield "query", "tasks", due_cursor(practice, task.due_on, task.id)
    yield "query", "tasks", id_cursor(practice, task.id)
    yield "query", "events", event_cursor(practice, Position(0))
    for name in SUBSCRIPTIONS:
        yield "subscription", name, event_cursor(practice, Position(0))


@ONE_DATABASE
async def test_a_cursor_is_good_for_its_own_practice_only(
    server: Server, here: dict[str, World], there: World
) -> None:
    for kind, world in here.items():
        for operation, name, cursor in cursors(there):
            where = f"{kind}: {name}"
            body = {"query": document(operation, name), "variables": {"after": cursor}}
            accept = "application/json" if operation == "query" else "text/event-stream"
            answer = await server.post(body, world.key, accept=accept)
            assert_no_canary(answer.text, where)
            assert "BAD_USER_INPUT" in answer.text, (where, answer.text)


@ONE_DATABASE
async def test_what_is_for_operators_names_no_practice(
    server: Server, here: dict[str, World], there: World
) -> None:
    for world in (*here.values(), there):
        await send(server, world.key, "query", "tasks", {})
    headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
    for path in ("/metrics", "/readyz", "/healthz"):
        answer = await server.client.get(path, headers=headers)
        assert answer.status_code == 200
        text = answer.text
        assert_no_canary(text, path)
        assert "there" not in text.lower().replace("whether", ""), text

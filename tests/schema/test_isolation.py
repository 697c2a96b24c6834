"""A limited key reaches what is in its queues and nothing else: every query, every mutation and
both subscriptions, in each role, with a canary in each hidden row and another practice beside it.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from models.roles import Role
from tests.schema.attacks import (
    ALONE,
    ENDED,
    LAST,
    MUTATIONS,
    NAMELESS,
    PERSONAL,
    QUERIES,
    SUBSCRIPTIONS,
    Attack,
    work_in_the_hidden_queue,
)
from tests.schema.hidden import CANARIES, NOTHING, NUMBER, World, make_world
from tests.schema.walk import document, root_fields
from tests.serving import PATIENCE, Server
from tests.support.access import create_key
from tests.web.streams import until_streams
from tests.work.agents import claims_of

ROLES = {
    "staff": (Role.STAFF, False),
    "supervisor": (Role.SUPERVISOR, False),
    "partner": (Role.PARTNER, False),
    "creator": (Role.PARTNER, True),
}
VERDICTS = {"errors", "code", "message", "result", "matched", "changed", "skippedCount", "field"}
"""Keys of an answer whose values are compared. Of the others it is only whether they are null."""
LISTS = {"errors", "field", "results", "skipped"}
"""Lists that are compared row by row. Of the others it is only whether they are empty."""


@pytest.fixture
async def worlds(server: Server) -> dict[str, World]:
    """A practice for each kind of limited key, each of them foreign to the others."""
    return {
        name: await make_world(name, role, may_create_tasks=may)
        for name, (role, may) in ROLES.items()
    }


def test_every_root_field_is_walked() -> None:
    assert MUTATIONS.keys() == root_fields("mutation")
    assert QUERIES.keys() == root_fields("query")
    assert SUBSCRIPTIONS.keys() | ENDED.keys() == root_fields("subscription")


def assert_no_canary(text: str, where: str) -> None:
    for canary in CANARIES:
        assert canary not in text.lower(), (where, text)


async def send(server: Server, key: str, kind: str, name: str, variables: Any) -> Any:
    """The answer to an operation that asks for all that there is."""
    response = await server.post({"query": document(kind, name), "variables": variables}, key)
    answer = response.json()
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] == "FORBIDDEN", answer
    answer.pop("extensions", None)  # what is left of the key's budget: less each time
    return answer


def verdict(answer: Any, key: str = "") -> Any:
    """What a client can tell an answer from another by, but for which rows it is about."""
    if isinstance(answer, dict):
        return {name: verdict(value, name) for name, value in answer.items()}
    if isinstance(answer, list):
        return [verdict(value, key) for value in answer] if key in LISTS else bool(answer)
    return answer if key in VERDICTS else answer is None


async def answers(
    server: Server, world: World, key: str, kind: str, name: str, attack: Attack, other: World
) -> list[Any]:
    """The answers to an attack that names what is hidden, what is foreign, and nothing."""
    return [
        await send(server, key, kind, name, attack(world, named))
        for named in (world.named, other.named, NOTHING)
    ]


async def test_no_mutation_reaches_what_is_hidden(server: Server, worlds: dict[str, World]) -> None:
    for role, world in worlds.items():
        other = worlds["staff" if role != "staff" else "partner"]
        before, foreign = await world.hidden_rows(), await other.everything()
        for name in MUTATIONS:
            for place, attack in enumerate(MUTATIONS[name]):
                where = f"{role}: {name} {place}"
                told = await answers(server, world, world.key, "mutation", name, attack, other)
                assert_no_canary(json.dumps(told), where)
                assert verdict(told[0]) == verdict(told[1]) == verdict(told[2]), where
                assert await world.hidden_rows() == before, where
            for place, attack in enumerate(ALONE.get(name, [])):
                where = f"{role}: {name} alone {place}"
                told = await send(server, world.key, "mutation", name, attack(world, world.named))
                assert_no_canary(json.dumps(told), where)
                assert await world.hidden_rows() == before, where
                if name == "importTasks" and world.viewer.may_import:
                    assert "EXTERNAL_ID_TAKEN" in json.dumps(told), where
        assert await other.everything() == foreign, role


async def test_no_query_shows_what_is_hidden(server: Server, worlds: dict[str, World]) -> None:
    for role, world in worlds.items():
        other = worlds["staff" if role != "staff" else "partner"]
        if world.viewer.may_log_contacts:  # it then holds the patient's hidden tasks as well
            await claims_of(world.office).claim(world.viewer, world.seen.id)
        for name, attacks in QUERIES.items():
            for place, attack in enumerate(attacks):
                where = f"{role}: {name} {place}"
                told = await answers(server, world, world.key, "query", name, attack, other)
                assert_no_canary(json.dumps(told), where)
                assert told[0] == told[1] == told[2], where


async def test_the_same_questions_show_every_canary_to_a_key_for_all_queues(
    server: Server, worlds: dict[str, World]
) -> None:
    world, other = worlds["staff"], worlds["partner"]
    practice, shown = world.office.practice, ""
    for name, attacks in QUERIES.items():
        key = await create_key(practice, Role.ADMIN, "Admin")  # each has a budget of its own
        for attack in attacks:
            shown += json.dumps(await answers(server, world, key, "query", name, attack, other))
    for canary in (
        *(
            "Canary file",
            "Canary Row",
            "Canary queue",
            "Canary reason",
            "Canary notes",
            "Canary withdrawn",
            "Canary Staff",
        ),
        *("Canary Patient 0", "Canary Patient 1", NUMBER),
    ):
        assert canary in shown
    for name, attacks in MUTATIONS.items():
        key = await create_key(practice, Role.ADMIN, "Admin")
        for place, attack in enumerate(attacks):
            hidden, _, nothing = [
                verdict(answer)
                for answer in await answers(server, world, key, "mutation", name, attack, other)
            ]
            assert (hidden != nothing) is (name not in PERSONAL | NAMELESS), (name, place)


@pytest.mark.parametrize("name", sorted(SUBSCRIPTIONS))
async def test_no_stream_tells_of_what_is_hidden(
    server: Server, worlds: dict[str, World], name: str
) -> None:
    async with AsyncExitStack() as stack:
        sockets = []
        for world in worlds.values():
            socket = await stack.enter_async_context(server.socket(world.key))
            sockets.append(socket)
            for place, attack in enumerate(SUBSCRIPTIONS[name]):
                variables = attack(world, world.named)
                await socket.subscribe(document("subscription", name), str(place), **variables)
        await until_streams(server, len(worlds) * len(SUBSCRIPTIONS[name]))
        for world in worlds.values():
            for mutation, variables in work_in_the_hidden_queue(world):
                key = world.office.keys["supervisor"]
                told = await send(server, key, "mutation", mutation, variables)
                (payload,) = told["data"].values()
                assert payload["errors"] == [], told
        for role, socket in zip(worlds, sockets, strict=True):
            waiting = {str(place) for place in range(len(SUBSCRIPTIONS[name]))}
            while waiting:
                message = await socket.next()
                text = json.dumps(message)
                assert message["type"] == "next", text
                assert_no_canary(text, role)
                if LAST in text:
                    waiting.discard(message["id"])


async def test_no_stream_of_one_thing_tells_that_it_is_there(
    server: Server, worlds: dict[str, World]
) -> None:
    for role, world in worlds.items():
        other = worlds["staff" if role != "staff" else "partner"]
        async with server.socket(world.key) as socket:
            for name, attacks in ENDED.items():
                for attack in attacks:
                    told = []
                    for named in (world.named, other.named, NOTHING):
                        variables = attack(world, named)
                        await socket.subscribe(document("subscription", name), "1", **variables)
                        message = await socket.next()
                        assert message["type"] == "error", role
                        told.append(message["payload"])
                    assert told[0] == told[1] == told[2], role


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_what_is_hidden_is_not_waited_for(
    server: Server, worlds: dict[str, World], database_url: str
) -> None:
    """How long an answer takes must not tell that somebody is at work behind it."""
    world, other = worlds["supervisor"], worlds["staff"]
    patients = [patient.id for patient in world.office.patients[1:]]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            for table, column in (("patient", "id"), ("task", "patient_id")):
                sql = f"SELECT id FROM {table} WHERE {column} = ANY($1::bigint[]) FOR UPDATE"
                assert await connection.fetch(sql, patients)
            for name, attacks in MUTATIONS.items():
                for attack in attacks:
                    async with asyncio.timeout(PATIENCE):
                        await answers(server, world, world.key, "mutation", name, attack, other)
            for attack in ALONE["importTasks"]:
                variables = attack(world, world.named)
                async with asyncio.timeout(PATIENCE):
                    await send(server, world.key, "mutation", "importTasks", variables)
    finally:
        await connection.close()

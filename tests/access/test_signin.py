"""A session may do what its key may, for half a day, and ends with it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import SESSION, KeyLookup, Unauthenticated, authenticate, still_valid
from gql_app.access.last_use import LastUse
from gql_app.access.signin import SESSION_LASTS, end_own_session, last_sign_in, sessions_of
from gql_app.work.reads.keys import keys_of
from models.access import AccessKey
from models.roles import Role
from tests.office import Office
from tests.support.access import (
    create_key,
    create_link,
    forget_ended,
    revoke_key,
    sign_in,
    sign_in_by_link,
    sign_out,
)


async def is_open(token: str) -> bool:
    try:
        await authenticate(token, SESSION)
    except Unauthenticated:
        return False
    return True


async def test_a_session_may_do_what_its_key_may(office: Office) -> None:
    key = await create_key(office.practice, Role.PARTNER, "Desk", queue_ids=[office.missed.id])
    signed_in = await sign_in(key)
    by_key, by_session = await authenticate(key), await authenticate(signed_in.token, SESSION)
    same = ("practice_id", "role", "staff_id", "queue_ids", "may_create_tasks")
    for name in same:
        assert getattr(by_session, name) == getattr(by_key, name), name
    assert by_session.expires_at == signed_in.expires_at
    lasts = signed_in.expires_at - datetime.now(UTC)
    assert SESSION_LASTS - timedelta(minutes=1) < lasts <= SESSION_LASTS


async def test_a_session_does_not_outlive_its_key(office: Office) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    key = await create_key(office.practice, Role.STAFF, "Desk", expires_at=soon)
    assert (await sign_in(key)).expires_at == soon
    token = (await sign_in(key)).token
    number = (await authenticate(key)).key_id
    await revoke_key(office.practice, number)
    assert not await is_open(token)


async def test_signing_out_ends_that_session_alone(office: Office) -> None:
    first, second = [(await sign_in(office.keys["staff"])).token for _ in range(2)]
    await sign_out(await authenticate(first, SESSION))
    assert not await is_open(first)
    assert await is_open(second)


async def test_signing_out_with_a_key_does_not_revoke_the_key(office: Office) -> None:
    await sign_out(await authenticate(office.keys["staff"]))
    await authenticate(office.keys["staff"])


async def test_a_link_begins_one_session_however_often_it_is_sent(office: Office) -> None:
    link = await create_link(office.keys["supervisor"])
    attempts = [sign_in_by_link(link) for _ in range(5)]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    [signed_in] = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert (await authenticate(signed_in.token, SESSION)).role is Role.SUPERVISOR


async def test_a_link_ends_with_its_key_and_with_its_hour(office: Office) -> None:
    revoked, late = [await create_link(office.keys["staff"]) for _ in range(2)]
    await AccessKey.filter(id=(await AccessKey.all().order_by("-id"))[0].id).update(
        expires_at=datetime.now(UTC)
    )
    with pytest.raises(Unauthenticated):
        await sign_in_by_link(late)
    await revoke_key(office.practice, (await authenticate(office.keys["staff"])).key_id)
    with pytest.raises(Unauthenticated):
        await sign_in_by_link(revoked)


async def test_neither_stands_in_for_a_key(office: Office) -> None:
    session = (await sign_in(office.keys["staff"])).token
    link = await create_link(office.keys["staff"])
    for token in (session, link):
        with pytest.raises(Unauthenticated):
            await authenticate(token)
        with pytest.raises(Unauthenticated):
            await sign_in(token)
    with pytest.raises(Unauthenticated):
        await sign_in_by_link(office.keys["staff"])
    with pytest.raises(Unauthenticated):
        await authenticate(link, SESSION)


async def test_keys_alone_are_listed_and_revoked_by_number(office: Office) -> None:
    before = await keys_of(office.practice.id)
    await sign_in(office.keys["staff"])
    await create_link(office.keys["staff"])
    assert await keys_of(office.practice.id) == before


async def test_what_has_ended_long_ago_is_forgotten(office: Office) -> None:
    keys = await AccessKey.all().count()
    token = (await sign_in(office.keys["staff"])).token
    await forget_ended(datetime.now(UTC) + SESSION_LASTS)
    assert await is_open(token)
    await forget_ended(datetime.now(UTC) + SESSION_LASTS + timedelta(days=2))
    assert await AccessKey.all().count() == keys


async def test_a_session_ends_when_its_person_does_nothing_for_a_while(office: Office) -> None:
    passed = [0.0]
    uses = LastUse(office.changes.make_for, lambda: passed[0])
    idle = timedelta(minutes=10)
    keys = KeyLookup(office.clock, uses.note, idle)
    token = (await sign_in(office.keys["staff"], office.clock)).token
    for _ in range(3):
        office.clock.now += idle - timedelta(seconds=1)
        viewer = await keys.authenticate(token, SESSION)
        assert await still_valid({viewer}, office.clock(), idle) == {
            viewer: office.clock() + timedelta(seconds=1)
        }
        uses.note_activity(viewer)
        await uses.write()
    office.clock.now += idle / 2
    await keys.authenticate(token, SESSION)
    await uses.write()  # a request that the page sends by itself is no activity
    office.clock.now += idle / 2
    assert await still_valid({viewer}, office.clock(), idle) == {viewer: office.clock()}
    uses.note_activity(viewer)
    with pytest.raises(Unauthenticated):
        await keys.authenticate(token, SESSION)
    await keys.authenticate(office.keys["staff"])


async def test_ones_own_sessions_are_listed_and_ended_and_no_others(office: Office) -> None:
    first = await sign_in(office.keys["staff"], office.clock)
    office.clock.advance(minutes=1)
    second = await sign_in(office.keys["staff"], office.clock)
    await sign_in(office.keys["supervisor"], office.clock)
    await create_link(office.keys["staff"], office.clock)
    viewer = await authenticate(second.token, SESSION, office.clock)
    idle = timedelta(minutes=30)

    async def listed() -> list[int]:
        return [row.id for row in await sessions_of(viewer, office.clock(), idle)]

    other = await authenticate(first.token, SESSION, office.clock)
    assert await listed() == [viewer.key_id, other.key_id]
    changes = office.changes
    supervisor = office.supervisor
    assert not await changes.make(supervisor, end_own_session, supervisor, other.key_id)
    assert not await changes.make(viewer, end_own_session, viewer, office.staff.key_id)
    assert await listed() == [viewer.key_id, other.key_id]
    assert await changes.make(viewer, end_own_session, viewer, other.key_id)
    assert not await changes.make(viewer, end_own_session, viewer, other.key_id)
    assert await listed() == [viewer.key_id]
    office.clock.now += idle
    assert await listed() == []


async def test_the_last_sign_in_is_that_before_the_session(office: Office) -> None:
    assert await last_sign_in(office.staff) is None
    times = []
    for _ in range(2):
        token = (await sign_in(office.keys["staff"], office.clock)).token
        times.append((await authenticate(token, SESSION, office.clock), office.clock()))
        office.clock.advance(minutes=5)
    (first, first_at), (second, second_at) = times
    assert await last_sign_in(first) is None
    assert await last_sign_in(second) == first_at
    assert await last_sign_in(office.staff) == second_at
    await sign_out(second)
    assert await last_sign_in(office.supervisor) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_sent_away_because_they_are_called_something_else(office: Office) -> None:
    renamed = replace(office.staff, name="was called so")
    changed = replace(office.staff, role=Role.SUPERVISOR)
    assert await still_valid({renamed, changed}, office.clock()) == {renamed: None}

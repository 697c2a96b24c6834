"""Keys are rotated: the new one does what the old one did, which ends after an overlap."""

import logging
from datetime import date, timedelta

import pytest

from gql_app.access import SESSION, Unauthenticated, authenticate
from gql_app.access.keys import ENDS_SOON
from gql_app.work.keys import ENDED, NOT_FOUND, KeyResult, rotate_key
from gql_app.work.reads.keys import keys_of
from gql_app.work.upkeep.ending_keys import warn_of_ends
from models.roles import Role
from tests.office import Office, make_office
from tests.support.access import create_key, revoke_key, sign_in

OVERLAP = timedelta(days=7)


async def rotate(office: Office, key_id: int, overlap: timedelta = OVERLAP) -> str:
    result = await office.changes.make_for(office.practice.id, rotate_key, key_id, overlap)
    assert result.secret is not None, result.refusals
    return result.secret


async def test_both_keys_are_valid_for_the_overlap_and_then_the_new_one(office: Office) -> None:
    rights = {"queue_ids": [office.missed.id], "may_create_tasks": True}
    old = await create_key(office.practice, Role.PARTNER, "Robot", **rights)
    before = await authenticate(old)
    new = await rotate(office, before.key_id)
    after = await authenticate(new, clock=office.clock)
    same = ("practice_id", "role", "staff_id", "queue_ids", "may_create_tasks")
    for name in same:
        assert getattr(after, name) == getattr(before, name), name
    assert after.expires_at is None
    office.clock.now += OVERLAP - timedelta(seconds=1)
    await authenticate(old, clock=office.clock)
    office.clock.now += timedelta(seconds=1)
    with pytest.raises(Unauthenticated):
        await authenticate(old, clock=office.clock)
    await authenticate(new, clock=office.clock)


async def test_an_end_that_comes_before_stays_and_sessions_end_with_the_old_key(
    office: Office,
) -> None:
    session = await sign_in(office.keys["staff"], office.clock)
    soon = timedelta(minutes=10)  # before it is idle
    await rotate(office, office.staff.key_id, soon)
    assert (await authenticate(office.keys["staff"])).expires_at == office.clock() + soon
    await rotate(office, office.staff.key_id, OVERLAP)
    assert (await authenticate(office.keys["staff"])).expires_at == office.clock() + soon
    office.clock.now += soon
    with pytest.raises(Unauthenticated):
        await authenticate(session.token, SESSION, office.clock)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_a_key_of_the_practice_that_is_valid_is_rotated(office: Office) -> None:
    other = await make_office("oak")
    await revoke_key(office.practice, office.partner.key_id)
    session = await sign_in(office.keys["staff"], office.clock)
    viewer = await authenticate(session.token, SESSION)
    for key_id in (other.staff.key_id, viewer.key_id, 999_999):
        refused = await office.changes.make_for(office.practice.id, rotate_key, key_id)
        assert refused == KeyResult(refusals=(NOT_FOUND,))
    ended = office.partner.key_id
    refused = await office.changes.make_for(office.practice.id, rotate_key, ended)
    assert (refused.secret, refused.refusals) == (None, (ENDED,))


async def test_keys_that_end_soon_are_named_in_the_log_once_a_day(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    now = office.clock()
    ends = {"Far": ENDS_SOON + timedelta(hours=1), "Near": ENDS_SOON, "Past": timedelta(0)}
    for name, left in ends.items():
        await create_key(office.practice, Role.STAFF, name, expires_at=now + left)
    revoked = await create_key(office.practice, Role.STAFF, "Gone", expires_at=now + OVERLAP)
    await revoke_key(office.practice, (await authenticate(revoked)).key_id)
    await sign_in(office.keys["staff"], office.clock)
    listed = await keys_of(office.practice.id)
    near = next(key.id for key in listed if key.name == "Near")
    told: dict[int, date] = {}
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        await warn_of_ends(now, told)
    (line,) = caplog.messages
    expected = f"practice {office.practice.id}: key {near} ends at {now + ENDS_SOON:%Y-%m-%d}"
    assert line.startswith(expected)
    caplog.clear()
    await warn_of_ends(now + timedelta(days=1), told)
    assert len(caplog.messages) == 2

"""People are invited, sign in themselves, and are retired."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import SESSION, Unauthenticated, authenticate, people
from gql_app.access.signin import begin_session
from gql_app.work.reads.keys import keys_of
from gql_app.work.reads.staff import members_of
from models.access import AccessKey, KeyKind
from models.passkey import Passkey
from models.roles import Role
from tests.office import Office, make_office
from tests.support import access


async def invite(office: Office, name: str = "Kim", role: Role = Role.STAFF, **how: Any) -> str:
    return await access.invite(office.changes, office.practice, name, role, **how)


async def accept(office: Office, token: str) -> people.Person:
    return await office.changes.make_for(office.practice.id, people.accept, token)


async def begin(office: Office, person: people.Person) -> str:
    here = office.practice.id
    return (await office.changes.make_for(here, begin_session, person.key_id, "Test")).token


async def is_open(office: Office, token: str) -> bool:
    try:
        await authenticate(token, SESSION, office.clock)
    except Unauthenticated:
        return False
    return True


async def test_an_invitation_is_good_once(office: Office) -> None:
    token = await invite(office, role=Role.ADMIN)
    person = await people.invited(token, office.clock())
    assert (person.name, person.practice) == ("Kim", office.practice.name)
    assert await accept(office, token) == person
    for attempt in (accept(office, token), people.invited(token, office.clock())):
        with pytest.raises(Unauthenticated, match="invitation"):
            await attempt
    viewer = await authenticate(await begin(office, person), SESSION, office.clock)
    assert (viewer.name, viewer.role, viewer.queue_ids) == ("Kim", Role.ADMIN, None)


async def test_an_invitation_is_good_for_seven_days(office: Office) -> None:
    token = await invite(office)
    office.clock.advance(days=7, seconds=-1)
    await people.invited(token, office.clock())
    office.clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        await people.invited(token, office.clock())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_invitation_is_neither_a_key_nor_a_session(office: Office) -> None:
    token = await invite(office)
    for kind in ("callboard_key", SESSION):
        with pytest.raises(Unauthenticated):
            await authenticate(token, kind)
    for other in (office.keys["staff"], "ci_1_x", "", "ci_"):
        with pytest.raises(Unauthenticated):
            await people.invited(other, office.clock())


async def test_what_a_person_may_do_is_no_key_that_is_listed_or_revoked(office: Office) -> None:
    before = await keys_of(office.practice.id)
    await invite(office)
    assert await keys_of(office.practice.id) == before


async def test_a_second_invitation_takes_the_place_of_the_first(office: Office) -> None:
    first, second = await invite(office), await invite(office)
    with pytest.raises(Unauthenticated):
        await people.invited(first, office.clock())
    assert (await people.invited(second, office.clock())).name == "Kim"
    assert await AccessKey.filter(kind=KeyKind.PERSON).count() == 1


async def test_sessions_end_where_the_rights_are_changed_and_go_on_where_they_are_not(
    office: Office,
) -> None:
    session = await begin(office, await accept(office, await invite(office)))
    await invite(office)
    assert await is_open(office, session)
    other = await invite(office, queue_ids=[office.missed.id])
    assert not await is_open(office, session)
    limited = await begin(office, await accept(office, other))
    viewer = await authenticate(limited, SESSION, office.clock)
    assert viewer.queue_ids == frozenset({office.missed.id})


async def test_who_is_retired_has_nothing_left_but_their_name(office: Office) -> None:
    other = await make_office("oak")
    kept = await begin(other, await accept(other, await invite(other)))
    person = await accept(office, await invite(office))
    session, pending = await begin(office, person), await invite(office)
    await Passkey.create(
        practice_id=office.practice.id,
        staff_id=person.staff_id,
        credential_id="x",
        public_key=b"x",
        sign_count=0,
        label="x",
        created_at=office.clock(),
    )
    await access.retire(office.changes, office.practice)
    assert not await is_open(office, session)
    assert await is_open(other, kept)
    with pytest.raises(Unauthenticated):
        await people.invited(pending, office.clock())
    assert await people.person_of(office.practice.id, person.staff_id) is None
    assert await Passkey.all().count() == 0
    (listed,) = await members_of(office.practice.id, office.clock())
    assert (listed.name, listed.passkeys, listed.state) == ("Kim", 0, "RETIRED")
    again = await begin(office, await accept(office, await invite(office)))
    assert await is_open(office, again)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_people_are_listed_with_their_last_sign_in(office: Office) -> None:
    person = await accept(office, await invite(office))
    await invite(office, "Ada", Role.ADMIN)
    office.clock.now += timedelta(minutes=5)
    await begin(office, person)
    listed = await members_of(office.practice.id, office.clock())
    assert [(one.name, one.role, one.signed_in_at) for one in listed] == [
        ("Ada", "ADMIN", None),
        ("Kim", "STAFF", office.clock()),
    ]

"""Passkeys sign their holders in, once an answer, and nobody else."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from gql_app.access import SESSION, Unauthenticated, Viewer, authenticate, ceremonies, people
from gql_app.access.ceremonies import Page
from gql_app.access.challenges import LASTS, Challenges
from gql_app.access.passkeys import (
    CannotAdd,
    accept_with_passkey,
    add_passkey,
    begin_session_by_passkey,
    find_answer,
    passkeys_of,
)
from gql_app.access.signin import begin_session
from gql_app.work.accounts import NO_PASSKEY, remove_passkey
from models.passkey import Passkey
from models.roles import Role
from tests.office import Office, make_office
from tests.support.access import invite, retire
from tests.support.authenticator import Authenticator, encode

PAGE = Page("localhost", "http://localhost")


@dataclass
class Desk:
    """Somebody who was invited, with a device, before a page of the server."""

    office: Office
    challenges: Challenges
    person: people.Person
    token: str
    device: Authenticator

    async def accept(self) -> str:
        """Make a passkey by the invitation. Returns the session's token."""
        new = await self.made(self.device)
        here = self.office.practice.id
        accepted = await self.office.changes.make_for(
            here, accept_with_passkey, self.token, new, "Test"
        )
        return accepted.token

    async def made(self, device: Authenticator, page: Page = PAGE) -> ceremonies.NewPasskey:
        """A passkey that was checked."""
        options = await self.options()
        response = device.make(options)
        return await ceremonies.checked_new(self.challenges, page, response, "invite", "Test")

    async def options(self) -> dict[str, Any]:
        there = await passkeys_of(self.person.practice_id, self.person.staff_id)
        making = (self.challenges, PAGE, self.person, there, "invite")
        return await ceremonies.new_options(*making)

    async def asked(self) -> dict[str, Any]:
        return await ceremonies.sign_in_options(self.challenges, PAGE)

    async def sign_in(self, response: dict[str, Any] | None = None) -> Viewer:
        """Sign in with the passkey, or with another answer."""
        if response is None:
            response = self.device.answer(await self.asked())
        answer = await find_answer(self.challenges, PAGE, response)
        here, begin = answer.practice_id, begin_session_by_passkey
        signed_in = await self.office.changes.make_for(here, begin, answer, "Test")
        return await authenticate(signed_in.token, SESSION, self.office.clock)


async def make_desk(office: Office) -> Desk:
    token = await invite(office.changes, office.practice)
    person = await people.invited(token, office.clock())
    return Desk(office, Challenges(office.clock), person, token, Authenticator())


@pytest.fixture
async def desk(office: Office) -> Desk:
    return await make_desk(office)


async def test_who_was_invited_makes_a_passkey_and_signs_in_with_it(desk: Desk) -> None:
    first = await authenticate(await desk.accept(), SESSION, desk.office.clock)
    assert (first.name, first.role) == ("Kim", Role.STAFF)
    desk.office.clock.advance(minutes=1)
    assert replace(await desk.sign_in(), key_id=0, expires_at=None) == replace(
        first, key_id=0, expires_at=None
    )
    (row,) = await Passkey.all()
    assert (row.last_used_at, row.sign_count) == (desk.office.clock(), 1)


async def refused(desk: Desk, response: dict[str, Any] | None = None) -> None:
    with pytest.raises(Unauthenticated):
        await desk.sign_in(response)


async def test_an_answer_is_taken_once(desk: Desk) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    response = desk.device.answer(await desk.asked())
    await desk.sign_in(response)
    await refused(desk, response)


sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
async def test_an_answer_is_taken_once_from_a_device_that_does_not_count(desk: Desk) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    desk.device.uses = -1
    response = desk.device.answer(await desk.asked())
    await desk.sign_in(response)
    await refused(desk, response)
    desk.office.clock.advance(seconds=1)
    desk.device.uses = -1
    await desk.sign_in()


@sqlite_only
async def test_a_device_that_counts_back_is_a_copy(desk: Desk) -> None:
    await desk.accept()
    desk.device.uses = 5
    await desk.sign_in()
    desk.office.clock.advance(seconds=1)
    desk.device.uses = 4
    await refused(desk)


@sqlite_only
async def test_a_challenge_is_good_for_five_minutes(desk: Desk) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    options = await desk.asked()
    desk.office.clock.advance(seconds=LASTS.total_seconds())
    await desk.sign_in(desk.device.answer(options))
    options = await desk.asked()
    desk.office.clock.advance(seconds=LASTS.total_seconds() + 1)
    await refused(desk, desk.device.answer(options))


@sqlite_only
async def test_a_challenge_is_the_servers_own_and_for_one_purpose(desk: Desk) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    for challenge in (
        b"",
        b"of somebody else",
        await desk.challenges.make("invite"),
        bytes(24) + (await desk.challenges.make(ceremonies.SIGN_IN))[24:],
    ):
        await refused(desk, desk.device.answer({"challenge": encode(challenge)}))


@sqlite_only
@pytest.mark.parametrize(
    "other",
    [
        {"origin": "https://callboard.example"},
        {"origin": "http://localhost:1"},
        {"host": "callboard.example"},
        {"verified": False},
        {"key": Authenticator().key},
        {"id": b"another passkey"},
        {"handle": encode(bytes(16))},
        {"handle": encode(b"\xff" * 16)},
        {"handle": encode(b"short")},
    ],
)
async def test_what_is_not_the_persons_own_on_our_page_is_refused(
    desk: Desk, other: dict[str, Any]
) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    await refused(desk, replace(desk.device, **other).answer(await desk.asked()))
    await desk.sign_in()


@sqlite_only
@pytest.mark.parametrize(
    "other",
    [{"origin": "https://callboard.example"}, {"host": "callboard.example"}, {"verified": False}],
)
async def test_a_passkey_that_is_made_elsewhere_or_unverified_is_not_kept(
    desk: Desk, other: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await desk.made(replace(desk.device, **other))


@sqlite_only
async def test_what_is_no_answer_at_all_is_refused(desk: Desk) -> None:
    await desk.accept()
    desk.office.clock.advance(minutes=1)
    whole = desk.device.answer(await desk.asked())
    parts = whole["response"]
    for broken in (
        {},
        {"response": None},
        {**whole, "id": 7},
        {**whole, "type": "password"},
        {**whole, "response": {**parts, "clientDataJSON": "e30"}},
        {**whole, "response": {**parts, "clientDataJSON": "é"}},
        {**whole, "response": {**parts, "clientDataJSON": encode(b'{"challenge": 7}')}},
        {**whole, "response": {**parts, "authenticatorData": "AAAA"}},
        {**whole, "response": {**parts, "signature": "AAAA"}},
        {**whole, "response": {**parts, "userHandle": None}},
    ):
        await refused(desk, broken)
    await desk.sign_in(whole)


async def test_a_passkey_of_another_practice_opens_nothing_here(desk: Desk) -> None:
    """Its holder may have the same id in both, which devices choose: the handle says where."""
    oak = await make_desk(await make_office("oak"))
    oak.office.clock.now = desk.office.clock.now
    oak.device.id = desk.device.id
    await desk.accept()
    await oak.accept()
    desk.office.clock.advance(minutes=1)
    foreign = replace(oak.device, handle=desk.device.handle)
    await refused(desk, foreign.answer(await desk.asked()))
    viewer = await desk.sign_in(oak.device.answer(await desk.asked()))
    assert viewer.practice_id == oak.office.practice.id


async def test_a_removed_passkey_and_a_retired_person_stay_out(desk: Desk) -> None:
    await desk.accept()
    office = desk.office
    office.clock.advance(minutes=1)
    viewer = await desk.sign_in()
    (row,) = await passkeys_of(viewer.practice_id, viewer.staff_id)
    refusals = await office.changes.make(office.staff, remove_passkey, office.staff, row.id)
    assert refusals == (NO_PASSKEY,)
    office.clock.advance(minutes=1)
    answer = await find_answer(desk.challenges, PAGE, desk.device.answer(await desk.asked()))
    assert await office.changes.make(viewer, remove_passkey, viewer, row.id) == ()
    await refused(desk)
    with pytest.raises(Unauthenticated):  # it was checked before it was removed
        await office.changes.make_for(office.practice.id, begin_session_by_passkey, answer, "x")


@sqlite_only
async def test_a_passkey_of_somebody_who_is_retired_meanwhile_begins_nothing(desk: Desk) -> None:
    await desk.accept()
    office = desk.office
    office.clock.advance(minutes=1)
    answer = await find_answer(desk.challenges, PAGE, desk.device.answer(await desk.asked()))
    await retire(office.changes, office.practice)
    with pytest.raises(Unauthenticated):
        await office.changes.make_for(office.practice.id, begin_session_by_passkey, answer, "x")


@sqlite_only
async def test_one_passkey_is_kept_once_and_not_too_many_of_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.accept()
    changes, here = desk.office.changes, desk.office.practice.id
    same = await desk.made(desk.device)
    with pytest.raises(CannotAdd, match="known already"):
        await changes.make_for(here, add_passkey, desk.person, same)
    assert [key["id"] for key in (await desk.options())["excludeCredentials"]] == [
        encode(desk.device.id)
    ]
    monkeypatch.setattr("gql_app.access.passkeys.MAX_PASSKEYS", 2)
    await changes.make_for(here, add_passkey, desk.person, await desk.made(Authenticator()))
    with pytest.raises(CannotAdd, match="Remove one first"):
        await changes.make_for(here, add_passkey, desk.person, await desk.made(Authenticator()))


@sqlite_only
async def test_a_session_of_a_person_ends_with_what_they_may_do(desk: Desk) -> None:
    await desk.accept()
    office = desk.office
    await retire(office.changes, office.practice)
    with pytest.raises(Unauthenticated):
        await office.changes.make_for(office.practice.id, begin_session, desk.person.key_id)

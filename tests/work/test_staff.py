"""People are invited, changed, retired and brought back by admins, and an admin is always left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gql_app.access import SESSION, Forbidden, Unauthenticated, Viewer, authenticate, people
from gql_app.access.signin import begin_session
from gql_app.work.inviting import NewStaff, invite_staff, renew_invite, restore_staff
from gql_app.work.keys import NewKey, create_key, revoke_key
from gql_app.work.persons import StaffResult
from gql_app.work.staff import StaffUpdate, end_rights, retire_staff, update_staff
from gql_app.work.upkeep.leftovers import give_back_leftovers
from models.access import AccessKey, KeyKind
from models.audit import AuditAction
from models.event import TaskEvent
from models.passkey import Passkey
from models.people import Staff
from models.refusals import RefusalCode
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.support import access
from tests.support.audited import rows_of
from tests.work.agents import claims_of

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def codes(result: Any) -> list[str]:
    return [refusal.code for refusal in result.refusals]


async def join(office: Office, name: str = "Kim", role: Role = Role.STAFF, **how: Any) -> Viewer:
    """Invite somebody, who makes a passkey and signs in."""
    token = await access.invite(office.changes, office.practice, name, role, **how)
    here = office.practice.id
    person = await office.changes.make_for(here, people.accept, token)
    await Passkey.get_or_create(
        practice_id=here,
        staff_id=person.staff_id,
        credential_id=f"of {name}",
        defaults={"public_key": b"", "sign_count": 0, "label": "", "created_at": office.clock()},
    )
    session = await office.changes.make_for(here, begin_session, person.key_id, "Test")
    return await authenticate(session.token, SESSION, office.clock)


async def is_valid(viewer: Viewer) -> bool:
    return (await AccessKey.get(id=viewer.key_id)).revoked_at is None


async def rows_of_access() -> list[list[dict[str, Any]]]:
    """Every row that says who may come in."""
    return [await model.all().order_by("id").values() for model in (AccessKey, Staff, Passkey)]


def by(office: Office, viewer: Viewer | None = None) -> Callable[..., Awaitable[Any]]:
    return partial(office.changes.make, viewer or office.admin)


async def without_key(office: Office) -> None:
    """Admins are only those who sign in from here on."""
    await AccessKey.filter(id=office.admin.key_id).update(role=Role.SUPERVISOR)


WRONG = {
    "no name": (NewStaff(" \u200b", Role.STAFF), RefusalCode.NAME_REQUIRED),
    "long name": (NewStaff("x" * 201, Role.STAFF), RefusalCode.TEXT_TOO_LONG),
    "odd name": (NewStaff("a\0b", Role.STAFF), RefusalCode.TEXT_INVALID),
    "name taken": (NewStaff(" Kim ", Role.STAFF), RefusalCode.NAME_TAKEN),
    "program": (NewStaff("Ada", Role.PARTNER), RefusalCode.ROLE_NOT_ALLOWED),
    "no queues": (NewStaff("Ada", Role.STAFF, []), RefusalCode.QUEUES_REQUIRED),
    "no such queue": (NewStaff("Ada", Role.STAFF, [999_999]), RefusalCode.NOT_FOUND),
    "no address": (NewStaff("Ada", Role.STAFF, email="ada"), RefusalCode.EMAIL_INVALID),
    "odd address": (NewStaff("Ada", Role.STAFF, email="a\0@b"), RefusalCode.EMAIL_INVALID),
    "address taken": (
        NewStaff("Ada", Role.STAFF, email="Kim@Maple.example"),
        RefusalCode.EMAIL_TAKEN,
    ),
}


async def test_an_invitation_that_cannot_be_made_is_refused_and_changes_nothing(
    office: Office,
) -> None:
    await join(office, email="kim@maple.example")
    before = await rows_of_access()
    for wrong, (new, code) in WRONG.items():
        result = await by(office)(invite_staff, new)
        assert (codes(result), result.invitation) == ([code], None), wrong
    assert await rows_of_access() == before


@sqlite_only
async def test_a_queue_of_another_practice_is_as_good_as_missing(office: Office) -> None:
    other = await make_office("oak")
    new = NewStaff("Ada", Role.STAFF, [office.recall.id, other.recall.id])
    assert codes(await by(office)(invite_staff, new)) == [RefusalCode.NOT_FOUND]
    kim, foreign = await join(office), await join(other)
    to = StaffUpdate(queue_ids=[other.recall.id])
    assert codes(await update_staff(by(office), kim.staff_id, to)) == [RefusalCode.NOT_FOUND]
    for result in (
        await update_staff(by(office), foreign.staff_id, StaffUpdate(name="Mine")),
        await retire_staff(by(office), foreign.staff_id),
        await by(office)(renew_invite, foreign.staff_id),
        await by(office)(restore_staff, foreign.staff_id),
    ):
        assert codes(result) == [RefusalCode.NOT_FOUND]
    assert await is_valid(foreign)


@sqlite_only
async def test_only_admins_for_all_queues_may(office: Office) -> None:
    kim = await join(office)
    limited = replace(office.admin, queue_ids=frozenset([office.recall.id]))
    before = await rows_of_access()
    for viewer in (office.staff, office.supervisor, office.partner, limited):
        make = by(office, viewer)
        for attempt in (
            make(invite_staff, NewStaff("Ada", Role.STAFF)),
            make(renew_invite, kim.staff_id),
            make(restore_staff, kim.staff_id),
            update_staff(make, kim.staff_id, StaffUpdate(role=Role.ADMIN)),
            retire_staff(make, kim.staff_id),
            make(create_key, NewKey("Robot", Role.STAFF)),
            make(revoke_key, office.staff.key_id),
        ):
            with pytest.raises(Forbidden):
                await attempt
    assert await rows_of_access() == before


@sqlite_only
async def test_who_is_invited_does_not_take_the_name_of_a_key_over(office: Office) -> None:
    new, name = NewKey("Robot", Role.ADMIN), NewStaff("Robot", Role.STAFF)
    key = (await by(office)(create_key, new)).key
    refused = await by(office)(invite_staff, name)
    assert (codes(refused), refused.invitation) == ([RefusalCode.NAME_TAKEN], None)
    await by(office)(revoke_key, key.id)
    assert codes(await by(office)(invite_staff, name)) == []


async def test_another_name_is_told_everywhere_and_ends_no_session(office: Office) -> None:
    kim = await join(office)
    result = await update_staff(by(office), kim.staff_id, StaffUpdate(name=" Kim Newhand "))
    assert result.member is not None
    assert (result.member.name, result.refusals) == ("Kim Newhand", ())
    assert await is_valid(kim)
    taken = await update_staff(by(office), kim.staff_id, StaffUpdate(name=office.staff.name))
    assert codes(taken) == [RefusalCode.NAME_TAKEN]
    assert (await Staff.get(id=kim.staff_id)).name == "Kim Newhand"


async def test_another_role_ends_the_sessions_and_the_same_one_does_not(office: Office) -> None:
    kim = await join(office)
    assert not codes(await update_staff(by(office), kim.staff_id, StaffUpdate(role=Role.STAFF)))
    assert await is_valid(kim)
    to = StaffUpdate(role=Role.SUPERVISOR, email="kim@maple.example")
    result = await update_staff(by(office), kim.staff_id, to)
    assert result.member is not None
    assert (result.member.role, result.member.email) == (Role.SUPERVISOR, "kim@maple.example")
    assert not await is_valid(kim)
    assert (await join(office, role=Role.SUPERVISOR)).role is Role.SUPERVISOR
    result = await update_staff(by(office), kim.staff_id, StaffUpdate(email=""))
    assert result.member is not None
    assert result.member.email is None


async def test_another_address_unbinds_the_account_and_ends_the_sessions(office: Office) -> None:
    kim = await join(office, email="kim@maple.example")
    bound = Staff.filter(id=kim.staff_id, subject="kim-1")
    await Staff.filter(id=kim.staff_id).update(subject="kim-1")
    await update_staff(by(office), kim.staff_id, StaffUpdate(email=" Kim@Maple.example"))
    assert (await bound.exists(), await is_valid(kim)) == (True, True)
    await update_staff(by(office), kim.staff_id, StaffUpdate(email="k@maple.example"))
    assert (await bound.exists(), await is_valid(kim)) == (False, False)
    kim = await join(office, email="k@maple.example")
    await Staff.filter(id=kim.staff_id).update(subject="kim-1")
    await update_staff(by(office), kim.staff_id, StaffUpdate(email=""))
    assert (await bound.exists(), await is_valid(kim)) == (False, False)


@sqlite_only
async def test_the_last_admin_keeps_the_account_that_they_sign_in_by(office: Office) -> None:
    ada = await join(office, "Ada", Role.ADMIN, email="ada@maple.example")
    await Staff.filter(id=ada.staff_id).update(subject="ada-1")
    await Passkey.filter(staff_id=ada.staff_id).delete()
    await without_key(office)
    refused = await update_staff(by(office, ada), ada.staff_id, StaffUpdate(email=""))
    assert codes(refused) == [RefusalCode.LAST_ADMIN]
    assert await Staff.filter(id=ada.staff_id, subject="ada-1").exists()
    await join(office, "Bea", Role.ADMIN)
    assert codes(await update_staff(by(office, ada), ada.staff_id, StaffUpdate(email=""))) == []


async def give(office: Office, staff_id: int, number: int, **where: Any) -> list[Task]:
    tasks = [await office.make_task(**where) for _ in range(number)]
    await Task.filter(id__in=[task.id for task in tasks]).update(assignee_id=staff_id)
    return tasks


async def test_tasks_in_queues_that_somebody_no_longer_sees_are_given_back(office: Office) -> None:
    kim = await join(office)
    (kept,), (lost,) = [
        await give(office, kim.staff_id, 1, queue=queue) for queue in (office.recall, office.missed)
    ]
    await update_staff(by(office), kim.staff_id, StaffUpdate(queue_ids=[office.recall.id]))
    await kept.refresh_from_db()
    await lost.refresh_from_db()
    assert (kept.assignee_id, lost.assignee_id) == (kim.staff_id, None)
    result = await update_staff(by(office), kim.staff_id, StaffUpdate(all_queues=True))
    assert result.member is not None
    assert result.member.queues is None


async def test_who_is_retired_gives_claims_and_tasks_back_in_events(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.giving_back.BATCH", 3)
    kim = await join(office)
    await access.create_key(office.practice, Role.STAFF, "Kim")
    tasks = await give(office, kim.staff_id, 7)
    other = await office.make_task(office.missed, patient=office.patients[1])
    closed = await give(office, kim.staff_id, 1, patient=office.patients[2])
    await office.log(closed[0], close=True)
    assert not (await claims_of(office).claim(kim, other.id)).refusals
    before = await TaskEvent.all().count()

    result = await retire_staff(by(office), kim.staff_id)

    assert result.member is not None
    assert (result.refusals, result.member.state) == ((), "RETIRED")
    assert (result.member.passkeys, await is_valid(kim)) == (0, False)
    assert await AccessKey.filter(staff_id=kim.staff_id, revoked_at=None).count() == 0
    given_back = await Task.filter(id__in=[task.id for task in tasks])
    assert {task.assignee_id for task in given_back} == {None}
    await other.refresh_from_db()
    await closed[0].refresh_from_db()
    assert (other.claimed_by_id, closed[0].assignee_id) == (None, kim.staff_id)
    events = await TaskEvent.filter(id__gt=0).order_by("seq").offset(before)
    assert sorted((e.kind, e.task_id) for e in events) == sorted(
        [("RELEASED", other.id), *(("REASSIGNED", task.id) for task in tasks)]
    )
    assert {e.actor_id for e in events} == {office.admin.staff_id}
    assert (await Staff.get(id=kim.staff_id)).name == "Kim"
    again = await retire_staff(by(office), kim.staff_id)
    assert again.refusals == ()
    details = [row.detail for row in await rows_of(office.practice, AuditAction.KEY)]
    assert details.count(f"staff {kim.staff_id} retired") == 1


async def test_what_was_not_given_back_is_by_the_clock(office: Office) -> None:
    kim = await join(office)
    (task,) = await give(office, kim.staff_id, 1)
    assert await give_back_leftovers(office.changes) == 0
    await by(office)(end_rights, kim.staff_id)
    assert await give_back_leftovers(office.changes) == 1
    await task.refresh_from_db()
    assert task.assignee_id is None
    assert await give_back_leftovers(office.changes) == 0
    # By a key that is made for their name they may be at work again.
    (task,) = await give(office, kim.staff_id, 1)
    await access.create_key(office.practice, Role.STAFF, "Kim")
    assert await give_back_leftovers(office.changes) == 0


async def test_who_is_brought_back_makes_a_passkey_anew(office: Office) -> None:
    kim = await join(office, role=Role.SUPERVISOR, queue_ids=[office.missed.id])
    assert codes(await by(office)(restore_staff, kim.staff_id)) == [RefusalCode.STAFF_NOT_RETIRED]
    await retire_staff(by(office), kim.staff_id)
    for refused in (
        await by(office)(renew_invite, kim.staff_id),
        await update_staff(by(office), kim.staff_id, StaffUpdate(name="Other")),
    ):
        assert codes(refused) == [RefusalCode.STAFF_RETIRED]
    named = await by(office)(invite_staff, NewStaff("Kim", Role.STAFF))
    assert codes(named) == [RefusalCode.NAME_TAKEN]
    assert "bring them back" in named.refusals[0].message
    back: StaffResult = await by(office)(restore_staff, kim.staff_id)
    assert back.invitation is not None
    assert back.member is not None
    assert (back.member.state, back.member.invited_until) == ("INVITED", back.invitation.expires_at)
    person = await people.invited(back.invitation.token, office.clock())
    assert person.staff_id == kim.staff_id
    session = await office.changes.make_for(
        office.practice.id, begin_session, person.key_id, "Test"
    )
    viewer = await authenticate(session.token, SESSION, office.clock)
    assert (viewer.role, viewer.queue_ids) == (Role.SUPERVISOR, frozenset({office.missed.id}))


async def test_another_link_ends_the_one_before_it_and_no_session(office: Office) -> None:
    kim = await join(office)
    first, second = [await by(office)(renew_invite, kim.staff_id) for _ in range(2)]
    with pytest.raises(Unauthenticated):
        await people.invited(first.invitation.token, office.clock())
    await people.invited(second.invitation.token, office.clock())
    assert await is_valid(kim)


async def test_the_last_admin_is_neither_retired_nor_made_less(office: Office) -> None:
    ada = await join(office, "Ada", Role.ADMIN)
    await without_key(office)
    make = by(office, ada)
    before = await rows_of_access()
    for result in (
        await retire_staff(make, ada.staff_id),
        await update_staff(make, ada.staff_id, StaffUpdate(role=Role.SUPERVISOR)),
        await update_staff(make, ada.staff_id, StaffUpdate(queue_ids=[office.recall.id])),
        await office.changes.make_for(
            office.practice.id, invite_staff, NewStaff("Ada", Role.STAFF), again=True
        ),
    ):
        assert codes(result) == [RefusalCode.LAST_ADMIN]
    assert await rows_of_access() == before
    # Whoever has only been invited cannot see to anything yet.
    await access.invite(office.changes, office.practice, "Bea", Role.ADMIN)
    assert codes(await retire_staff(make, ada.staff_id)) == [RefusalCode.LAST_ADMIN]
    await join(office, "Bea", Role.ADMIN)
    assert codes(await retire_staff(make, ada.staff_id)) == []


async def test_the_last_key_of_an_admin_stays_while_nobody_else_is(office: Office) -> None:
    key_id = office.admin.key_id
    refused = await by(office)(revoke_key, key_id)
    assert codes(refused) == [RefusalCode.LAST_ADMIN]
    new = NewKey("Ends", Role.ADMIN, expires_at=office.clock().replace(year=2999))
    assert (await by(office)(create_key, new)).secret
    assert codes(await by(office)(revoke_key, key_id)) == [RefusalCode.LAST_ADMIN]
    await join(office, "Ada", Role.ADMIN)
    assert codes(await by(office)(revoke_key, key_id)) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_admins_cannot_retire_each_other_at_once(office: Office) -> None:
    ada, bea = [await join(office, name, Role.ADMIN) for name in ("Ada", "Bea")]
    await without_key(office)
    results = await asyncio.gather(
        by(office, ada)(end_rights, bea.staff_id), by(office, bea)(end_rights, ada.staff_id)
    )
    assert sorted(codes(result) for result in results) == [[], [RefusalCode.LAST_ADMIN]]


@sqlite_only
async def test_a_session_that_begins_right_now_ends_too(office: Office) -> None:
    kim = await join(office)
    person = await AccessKey.get(staff_id=kim.staff_id, kind=KeyKind.PERSON)
    await asyncio.gather(
        office.changes.make_for(office.practice.id, begin_session, person.id, "Other"),
        by(office)(end_rights, kim.staff_id),
        return_exceptions=True,
    )
    assert await AccessKey.filter(staff_id=kim.staff_id, revoked_at=None).count() == 0

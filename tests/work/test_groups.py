"""Groups of practices: who is in one, who supervises it, and who is a guest where."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from gql_app.access.visits import practices_of_group
from gql_app.work.groups import appoint, create_group, dismiss, join_group, leave_group
from gql_app.work.guests import guest_name, settle_guests
from gql_app.work.inviting import NewStaff, invite_staff, restore_staff
from gql_app.work.keys import NewKey, create_key
from gql_app.work.reads.groups import guests_of, list_groups
from gql_app.work.staff import StaffUpdate, set_staff
from gql_app.work.upkeep.leftovers import give_back_leftovers
from models.access import AccessKey, KeyKind
from models.audit import Audit
from models.checks import BadValue
from models.database import write
from models.group import GroupSupervisor, PracticeGroup
from models.people import Staff
from models.practice import Practice
from models.refusals import Refusal
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.support import access
from tests.support.groups import KIM, guest_at, make_group, make_person, make_supervisor

Made = tuple[Office, Office, PracticeGroup]


@pytest.fixture
async def made(office: Office) -> Made:
    """Two practices in a group."""
    away = await make_office("birch")
    return office, away, await make_group(office.changes, office.practice, away.practice)


def codes(refusals: Sequence[Refusal]) -> list[str]:
    return [refusal.code for refusal in refusals]


async def names(office: Office) -> list[str]:
    return [guest.name for guest in await guests_of(office.practice.id)]


async def noted(office: Office) -> list[str | None]:
    rows = await Audit.filter(practice_id=office.practice.id).order_by("seq")
    return [row.detail for row in rows]


async def test_a_slug_is_given_once(made: Made) -> None:
    with pytest.raises(BadValue) as refused:
        await create_group(made[0].changes, "trees", "Others")
    assert refused.value.code == "SLUG_TAKEN"
    assert await PracticeGroup.all().count() == 1


async def test_a_practice_is_in_one_group_at_most(made: Made) -> None:
    home, _, group = made
    other = await make_group(home.changes, slug="other")
    make = home.changes.make_for
    for one in (group, other):
        assert codes(await make(home.practice.id, join_group, one)) == ["ALREADY_IN_GROUP"]
    assert codes(await make(home.practice.id, leave_group, other)) == ["NOT_IN_GROUP"]
    assert not await make(home.practice.id, leave_group, group)
    assert not await make(home.practice.id, join_group, other)
    assert [line.practices for line in await list_groups()] == [["maple"], ["birch"]]
    assert (await noted(home))[-2:] == [
        "practice taken out of the group trees",
        "practice put into the group other",
    ]


@pytest.mark.parametrize(
    ("role", "how", "code"),
    [
        (Role.STAFF, {}, "ROLE_NOT_ALLOWED"),
        (Role.SUPERVISOR, {"queue_ids": "recall"}, "ROLE_NOT_ALLOWED"),
        (Role.SUPERVISOR, {}, None),
        (Role.ADMIN, {}, None),
    ],
)
async def test_a_group_is_supervised_by_who_is_no_less_at_home(
    made: Made, role: Role, how: dict[str, Any], code: str | None
) -> None:
    home, away, group = made
    limits: dict[str, Any] = {"queue_ids": [home.recall.id]} if how else {}
    person = await make_person(home.changes, home.practice, role=role, **limits)
    refused = await home.changes.make_for(home.practice.id, appoint, group, person.staff_id)
    assert codes(refused) == ([] if code is None else [code])
    await settle_guests(home.changes)
    assert await names(away) == ([f"{KIM} (Tree Dental)"] if code is None else [])
    assert await names(home) == [], "nobody is a guest at home"


async def test_who_is_not_there_or_retired_or_of_another_practice_supervises_nothing(
    made: Made,
) -> None:
    home, _, group = made
    elm = await make_office("elm")
    make = home.changes.make_for
    person = await make_person(home.changes, home.practice)
    stranger = await make_person(home.changes, elm.practice)
    for staff_id in (10**6, stranger.staff_id, home.supervisor.staff_id):
        assert codes(await make(home.practice.id, appoint, group, staff_id)) == ["NOT_FOUND"]
    refused = await make(elm.practice.id, appoint, group, stranger.staff_id)
    assert codes(refused) == ["NOT_IN_GROUP"]
    assert not await make(home.practice.id, appoint, group, person.staff_id)
    refused = await make(home.practice.id, appoint, group, person.staff_id)
    assert codes(refused) == ["ALREADY_IN_GROUP"]
    await access.retire(home.changes, home.practice, KIM)
    refused = await make(home.practice.id, appoint, group, person.staff_id)
    assert codes(refused) == ["STAFF_RETIRED"]
    refused = await make(home.practice.id, dismiss, group, person.staff_id)
    assert codes(refused) == ["NOT_IN_GROUP"]


async def test_guests_follow_their_group(made: Made) -> None:
    home, away, group = made
    person = await make_supervisor(home.changes, group, home.practice)
    guest = await guest_at(away)
    assert (guest.role, guest.queue_ids, guest.revoked_at) == (Role.SUPERVISOR, None, None)
    elm = await make_office("elm")
    make = home.changes.make_for
    await make(elm.practice.id, join_group, group)
    for _ in range(2):
        await settle_guests(home.changes)
        assert await names(elm) == [f"{KIM} (Tree Dental)"]
    await make(away.practice.id, leave_group, group)
    await settle_guests(home.changes)
    assert await names(away) == []
    assert (await noted(away))[-1] == f"staff {guest.staff_id} is a guest no more"
    await make(away.practice.id, join_group, group)
    await settle_guests(home.changes)
    back = await guest_at(away)
    assert (back.id, back.staff_id, back.revoked_at) == (guest.id, guest.staff_id, None)
    assert not await make(home.practice.id, dismiss, group, person.staff_id)
    await settle_guests(home.changes)
    assert await names(away) + await names(elm) == []
    assert (await noted(home))[-1] == f"staff {person.staff_id} supervises the group no more"


async def retire(home: Office, person: AccessKey) -> None:
    await access.retire(home.changes, home.practice, KIM)


async def lower(home: Office, person: AccessKey) -> None:
    to = StaffUpdate(role=Role.STAFF)
    assert not (
        await home.changes.make_for(home.practice.id, set_staff, person.staff_id, to)
    ).refusals


async def limit(home: Office, person: AccessKey) -> None:
    to = StaffUpdate(queue_ids=[home.recall.id])
    assert not (
        await home.changes.make_for(home.practice.id, set_staff, person.staff_id, to)
    ).refusals


async def take_home_out(home: Office, person: AccessKey) -> None:
    group = await PracticeGroup.get()
    assert not await home.changes.make_for(home.practice.id, leave_group, group)


@pytest.mark.parametrize("end", [retire, lower, limit, take_home_out], ids=lambda e: e.__name__)
async def test_what_ends_at_home_ends_everywhere_and_does_not_come_back_by_itself(
    made: Made, end: Callable[[Office, AccessKey], Awaitable[None]]
) -> None:
    home, away, group = made
    person = await make_supervisor(home.changes, group, home.practice)
    guest = await guest_at(away)
    task = await away.make_task()
    await Task.filter(id=task.id).update(assignee_id=guest.staff_id)
    await end(home, person)
    assert await GroupSupervisor.all().count() == 0
    await settle_guests(home.changes)
    assert await names(away) == []
    assert (await Task.get(id=task.id)).assignee_id is None
    make = home.changes.make_for
    if end is retire:
        await make(home.practice.id, restore_staff, person.staff_id)
    else:
        to = StaffUpdate(role=Role.SUPERVISOR, all_queues=True)
        await make(home.practice.id, set_staff, person.staff_id, to)
    await settle_guests(home.changes)
    assert await names(away) == []


async def test_what_a_guest_holds_who_has_gone_is_given_back_later_too(made: Made) -> None:
    home, away, group = made
    await make_supervisor(home.changes, group, home.practice)
    guest = await guest_at(away)
    task = await away.make_task()
    await Task.filter(id=task.id).update(assignee_id=guest.staff_id)
    await AccessKey.filter(id=guest.id).update(revoked_at=away.clock())
    assert await give_back_leftovers(home.changes) == 1
    assert (await Task.get(id=task.id)).assignee_id is None


async def test_a_guest_is_called_as_at_home_and_like_nobody_else(made: Made) -> None:
    home, away, group = made
    taken = guest_name(KIM, group.name)
    await access.create_key(away.practice, Role.STAFF, taken)
    person = await make_supervisor(home.changes, group, home.practice)
    assert await names(away) == [f"{taken} 2"]
    guest = await guest_at(away)
    before = await noted(away)
    await settle_guests(home.changes)
    assert await noted(away) == before, "nothing is to be done"
    to = StaffUpdate(name="Kim Newname")
    await home.changes.make_for(home.practice.id, set_staff, person.staff_id, to)
    await settle_guests(home.changes)
    assert await names(away) == ["Kim Newname (Tree Dental)"]
    assert (await guest_at(away)).staff_id == guest.staff_id


async def test_long_names_fit(office: Office) -> None:
    away = await make_office("birch")
    practices = office.practice, away.practice
    group = await make_group(office.changes, *practices, name="G" * 200)
    await make_supervisor(office.changes, group, office.practice, "K" * 200)
    assert await names(away) == [f"{'K' * 120} ({'G' * 70})"]


async def test_nobody_takes_a_guests_name(made: Made) -> None:
    home, away, group = made
    await make_supervisor(home.changes, group, home.practice)
    name, make = guest_name(KIM, group.name), away.changes.make_for
    key = await make(away.practice.id, create_key, NewKey(name, Role.ADMIN))
    assert codes(key.refusals) == ["NAME_TAKEN"]
    for again in (False, True):
        new = NewStaff(name, Role.ADMIN)
        invited = await make(away.practice.id, invite_staff, new, again=again)
        assert codes(invited.refusals) == ["NAME_TAKEN"]
    max_there = await make_person(away.changes, away.practice, "Max")
    renamed = await make(away.practice.id, set_staff, max_there.staff_id, StaffUpdate(name=name))
    assert codes(renamed.refusals) == ["NAME_TAKEN"]


async def test_a_guest_counts_neither_as_a_person_nor_as_an_admin(made: Made) -> None:
    home, away, group = made
    await make_supervisor(home.changes, group, home.practice)
    guest = await guest_at(away)
    to, make = StaffUpdate(role=Role.ADMIN), away.changes.make_for
    result = await make(away.practice.id, set_staff, guest.staff_id, to)
    assert codes(result.refusals) == ["NOT_FOUND"]
    assert (await Staff.get(id=guest.staff_id)).email is None
    kinds = {key.kind for key in await AccessKey.filter(staff_id=guest.staff_id)}
    assert kinds == {KeyKind.GUEST}


async def test_a_key_has_no_group_whatever_is_written_beside_it(made: Made) -> None:
    home, _, group = made
    await make_supervisor(home.changes, group, home.practice)
    for viewer in (home.staff, home.supervisor, home.admin, home.partner):
        assert await practices_of_group(viewer) == []


async def test_two_guests_of_one_person_cannot_be_at_one_practice(made: Made) -> None:
    home, away, group = made
    await make_supervisor(home.changes, group, home.practice)
    sql = """INSERT INTO access_key (practice_id, digest, role, staff_id, may_create_tasks,
        created_at, kind, home_practice_id, home_key_id)
    SELECT k.practice_id, 'another', k.role, k.staff_id, k.may_create_tasks, k.created_at, k.kind,
        k.home_practice_id, k.home_key_id FROM access_key k WHERE k.kind = 'GUEST'"""
    with pytest.raises(Exception, match=r"(?i)unique"):
        await write(sql)
    assert await Practice.all().count() == 2
    assert await AccessKey.filter(practice_id=away.practice.id, kind=KeyKind.GUEST).count() == 1

"""People and keys from the command line: invited, listed and retired; rotated."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import authenticate, people
from gql_app.access.keys import practice_called
from gql_app.access.signin import begin_session
from gql_app.work.reads.staff import members_of
from models.database import opened
from models.roles import Role
from tests.commands.running import Shell
from tests.office import make_office
from tests.support.access import changes, create_key

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HERE = ("--practice", "maple")


async def test_a_person_is_invited_listed_and_retired(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        await make_office()
    kim = ("--name", " Kim Newhand ", "--role", "staff", "--queue", "overdue recall")
    ended = await shell("staff", "invite", *HERE, *kim, "--url", "https://calls.example/")
    assert (ended.code, ended.err) == (0, "")
    form = r"https://calls\.example/#invite=(ci_\S{40,})\n"
    (token,) = re.fullmatch(form, ended.out).groups()  # type: ignore[union-attr]
    never = "Kim Newhand\tSTAFF\tinvited\tpasskeys: 0\tnever signed in\n"
    assert (await shell("staff", "list", *HERE)).out == never
    async with opened(database_url):
        practice = await practice_called("maple")
        person = await people.invited(token, datetime.now(UTC))
        assert person.name == "Kim Newhand"
        await changes().make_for(practice.id, begin_session, person.key_id, "Test")
    assert "last signed in 20" in (await shell("staff", "list", *HERE)).out
    assert "Kim" not in (await shell("keys", "list", *HERE)).out
    assert (await shell("staff", "retire", *HERE, "Kim Newhand")).code == 0
    assert "Kim Newhand\tSTAFF\tretired" in (await shell("staff", "list", *HERE)).out
    again = await shell("staff", "retire", *HERE, "Kim Newhand")
    assert (again.code, again.err) == (
        2,
        "callboard: There is nobody called 'Kim Newhand' who was invited to maple.\n",
    )


WRONG = {
    ("--role", "partner"): "invalid choice: 'partner'",
    ("--name", " "): "--name is empty",
    ("--queue", "Nothing"): "There is no queue 'Nothing'",
    ("--url", "calls.example"): "--url is a server's address",
    ("--url", "https://calls.example/path"): "--url is a server's address",
    ("--practice", "oak"): "There is no practice 'oak'",
}


@sqlite_only
async def test_each_value_of_an_invitation_is_checked(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        await make_office()
    for given, said in WRONG.items():
        ended = await shell("staff", "invite", *HERE, "--name", "Kim", "--role", "admin", *given)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), given
        assert said in ended.err


async def test_a_person_is_changed_and_brought_back(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        office = await make_office()
    await shell("staff", "invite", *HERE, "--name", "Kim", "--role", "staff")
    given = ("--name", "Kim Longhand", "--role", "supervisor", "--queue", "overdue recall")
    ended = await shell("staff", "set", *HERE, "Kim", *given, "--email", "Kim@maple.example")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    async with opened(database_url):
        (kim,) = await members_of(office.practice.id, datetime.now(UTC))
    assert (kim.name, kim.role, kim.queues, kim.email) == (
        *("Kim Longhand", Role.SUPERVISOR),
        *([office.recall.id], "kim@maple.example"),
    )
    assert (await shell("staff", "set", *HERE, "Kim Longhand", "--all-queues")).code == 0
    assert (await shell("staff", "set", *HERE, "Kim Longhand", "--email", "")).code == 0
    async with opened(database_url):
        (kim,) = await members_of(office.practice.id, datetime.now(UTC))
    assert (kim.queues, kim.email, kim.role) == (None, None, Role.SUPERVISOR)
    early = await shell("staff", "restore", *HERE, "Kim Longhand")
    assert (early.code, "not retired" in early.err) == (2, True)
    assert (await shell("staff", "retire", *HERE, "Kim Longhand")).code == 0
    back = await shell("staff", "restore", *HERE, "Kim Longhand", "--url", "https://calls.example")
    assert re.fullmatch(r"https://calls\.example/#invite=ci_\S{40,}\n", back.out)
    assert "Kim Longhand\tSUPERVISOR\tinvited" in (await shell("staff", "list", *HERE)).out


NOT_SET = {
    (): "nothing to change",
    ("--queue", "Overdue recall", "--all-queues"): "give --queue or --all-queues",
    ("--queue", "Nothing"): "There is no queue 'Nothing'",
    ("--name", " "): "--name is empty",
    ("--name", "Staff of maple"): "Somebody is called 'Staff of maple' already.",
    ("--email", "kim"): "--email is an e-mail address",
    ("--role", "owner"): "invalid choice: 'owner'",
}


@sqlite_only
async def test_each_value_of_a_change_is_checked(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        await make_office()
    await shell("staff", "invite", *HERE, "--name", "Kim", "--role", "staff")
    for given, said in NOT_SET.items():
        ended = await shell("staff", "set", *HERE, "Kim", *given)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), given
        assert said in ended.err, given
    for verb in ("set", "retire", "restore"):
        more = ("--role", "staff") if verb == "set" else ()
        ended = await shell("staff", verb, *HERE, "Nobody", *more)
        assert "There is nobody called 'Nobody'" in ended.err


@sqlite_only
async def test_operators_cannot_end_the_last_admin_either(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        office = await make_office()
    ended = await shell("keys", "revoke", *HERE, str(office.admin.key_id))
    assert (ended.code, "make somebody else an admin first" in ended.err) == (2, True)
    assert (await shell("keys", "revoke", *HERE, str(office.staff.key_id))).code == 0
    assert "There is no key 999" in (await shell("keys", "revoke", *HERE, "999")).err


@sqlite_only
async def test_a_key_is_rotated_and_one_that_ends_soon_is_named(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        office = await make_office()
        ends = datetime.now(UTC) + timedelta(days=20)
        await create_key(office.practice, Role.STAFF, "Far", expires_at=ends)
    number = str(office.partner.key_id)
    ended = await shell("keys", "rotate", *HERE, number)
    assert (ended.code, ended.err) == (0, "")
    async with opened(database_url):
        new = await authenticate(ended.out.strip())
        old = await authenticate(office.keys["partner"])
    assert (new.role, new.staff_id, new.expires_at) == (Role.PARTNER, old.staff_id, None)
    lines = (await shell("keys", "list", *HERE)).out.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{number}\t")]
    assert re.search(r"ends \S+ \S+ UTC, in 6 days\t", line)
    (far,) = [line for line in lines if "\tFar\t" in line]
    assert re.search(r"ends \S+ \S+ UTC\t", far)
    doctor = (await shell("doctor")).out
    assert f"note: maple: key {number} of 'Partner of maple' ends on" in doctor
    assert "'Far'" not in doctor
    assert (await shell("keys", "rotate", *HERE, number, "--overlap", "0")).code == 0
    again = await shell("keys", "rotate", *HERE, number)
    assert (again.code, "has ended" in again.err) == (2, True)
    for wrong in ("-1", "367", "soon"):
        ended = await shell("keys", "rotate", *HERE, number, "--overlap", wrong)
        assert (ended.code, "a number of days" in ended.err) == (2, True), wrong

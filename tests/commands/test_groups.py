"""Groups of practices from the command line."""

import pytest

from models.database import opened
from models.group import GroupPractice, GroupSupervisor
from models.roles import Role
from tests.commands.running import Shell
from tests.office import make_office
from tests.support.access import changes, invite

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

KIM = ("--practice", "maple", "Kim")


@pytest.fixture
async def practices(database_url: str) -> None:
    async with opened(database_url):
        for slug in ("maple", "birch", "elm"):
            office = await make_office(slug)
            if slug == "maple":
                await invite(changes(), office.practice, "Kim", Role.SUPERVISOR)
                await invite(changes(), office.practice, "Lee", Role.STAFF)


async def test_a_group_is_made_filled_listed_and_emptied(
    shell: Shell, database_url: str, practices: None
) -> None:
    for verb in (
        ("create", "trees", "--name", " Tree Dental "),
        ("add", "trees", "birch", "maple", "birch"),
        ("appoint", "trees", *KIM),
    ):
        assert await shell("groups", *verb) == (0, "", "")
    listed = "trees\tTree Dental\n\tpractice\tbirch\n\tpractice\tmaple\n"
    assert (await shell("groups", "list")).out == f"{listed}\tsupervisor\tKim\tof maple\n"
    guest = "Kim (Tree Dental)\tSUPERVISOR\tguest\tof maple, by the group Tree Dental\tnever here\n"
    assert (await shell("staff", "list", "--practice", "birch")).out == guest
    assert "guest" not in (await shell("staff", "list", "--practice", "maple")).out
    assert await shell("groups", "dismiss", "trees", *KIM) == (0, "", "")
    assert (await shell("groups", "list")).out == listed
    assert (await shell("staff", "list", "--practice", "birch")).out == ""
    assert await shell("groups", "remove", "trees", "birch", "maple") == (0, "", "")
    assert (await shell("groups", "list")).out == "trees\tTree Dental\n"
    audit = (await shell("audit", "export", "--practice", "birch")).out
    assert "callboard groups add,OK,,,,,,no,practice put into the group trees" in audit


WRONG = {
    ("create", "Trees", "--name", "x"): "'Trees' cannot be a group's short name",
    ("create", "trees", "--name", " "): "--name is empty",
    ("create", "trees", "--name", "x"): "there is a group 'trees' already",
    ("add", "oaks", "elm"): "There is no group 'oaks'",
    ("add", "trees", "elm", "oak"): "There is no practice 'oak'",
    ("add", "trees", "elm", "birch"): "birch: The practice is in the group 'trees' already.",
    ("remove", "trees", "birch", "elm"): "elm: It is not in this group.",
    ("appoint", "trees", "--practice", "maple", "Max"): "There is nobody called 'Max'",
    ("appoint", "trees", "--practice", "oak", "Kim"): "There is no practice 'oak'",
    ("appoint", "trees", "--practice", "maple", "Lee"): "is a supervisor or an admin at home",
    ("appoint", "trees", *KIM): "They supervise the group already.",
    ("dismiss", "trees", "--practice", "maple", "Lee"): "They do not supervise the group.",
}


async def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(
    shell: Shell, database_url: str, practices: None
) -> None:
    await shell("groups", "create", "trees", "--name", "Tree Dental")
    await shell("groups", "add", "trees", "birch", "maple")
    await shell("groups", "appoint", "trees", *KIM)
    before = await shell("groups", "list")
    for arguments, message in WRONG.items():
        ended = await shell("groups", *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), arguments
        assert message in ended.err, arguments
        assert await shell("groups", "list") == before, arguments
    async with opened(database_url):
        assert (await GroupPractice.all().count(), await GroupSupervisor.all().count()) == (2, 1)

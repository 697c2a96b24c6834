"""`callboard practices apply`: practices become what a file says; once more, nothing changes."""

import re
from pathlib import Path

import pytest

from gql_app.access import Unauthenticated, authenticate
from models.audit import Audit
from models.database import opened
from models.practice import Practice, Queue
from tests.commands.running import Shell

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FILE = """
[[practice]]
slug = "maple"
name = "Maple Street Dental"
time_zone = "America/Chicago"

[[practice.queue]]
name = "Overdue recall"
ladder = [1, 7, 21, 60]
automatic_life = 90
closes_on_appointment = true
appointment_kinds = ["Cleaning", "Check-up"]
missed_appointments = true
script = '''
## Hello
Ask **when**.
'''

[[practice.queue]]
name = "Missed"

[[practice]]
slug = "oak"
name = "Oak"
time_zone = "Europe/London"
region = "GB"
"""


class Written:
    """The file, with something else in it now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.write(FILE.encode())

    def write(self, content: bytes) -> None:
        self._path.write_bytes(content)


@pytest.fixture
def file(tmp_path: Path) -> Written:
    return Written(tmp_path / "practices.toml")


async def test_a_file_is_applied_once_and_changed_later(
    shell: Shell, database_url: str, file: Written
) -> None:
    tried = await shell("practices", "apply", "practices.toml", "--dry-run")
    expected = ["maple: made, with 2 queues", "oak: made, with 1 queue"]
    assert (tried.code, tried.out.splitlines()) == (0, expected)
    async with opened(database_url):
        assert not await Practice.exists()
    ended = await shell("practices", "apply", "practices.toml")
    assert (ended.code, ended.err) == (0, "")
    keys = re.findall(r"(?<=: )callboard_key_\S+", ended.out)
    async with opened(database_url):
        assert [(await authenticate(key)).may_set_up for key in keys] == [True, True]
        rows = await Audit.all().count()
    again = await shell("practices", "apply", "practices.toml")
    assert again.out.splitlines() == ["maple: no change", "oak: no change"]
    changed = (
        FILE.replace('"Oak"', '"Oak & Sons"')
        .replace("[1, 7, 21, 60]", "[2]")
        .replace("Ask", "Always ask")
        .replace('[[practice.queue]]\nname = "Missed"', "")
        + '[[practice.queue]]\nname = "Plans"\n'
    )
    file.write(changed.encode())
    expected = [
        "maple: queue 'Overdue recall': another script",
        "maple: queue 'Overdue recall': follow_up_ladder: '1,7,21,60' -> '2'",
        "oak: name: 'Oak' -> 'Oak & Sons'",
        "oak: queue 'Plans' made",
        "oak: queues put in order",
    ]
    tried = await shell("practices", "apply", "practices.toml", "--dry-run")
    assert sorted(tried.out.splitlines()) == expected
    async with opened(database_url):
        assert await Audit.all().count() == rows
    applied = await shell("practices", "apply", "practices.toml")
    assert sorted(applied.out.splitlines()) == expected
    async with opened(database_url):
        oak = await Practice.get(slug="oak")
        queues = await Queue.filter(practice_id=oak.id).order_by("position")
        assert (oak.name, [queue.name for queue in queues]) == (
            "Oak & Sons",
            ["Plans", "Follow-ups"],
        )
        assert await Queue.filter(name="Missed", archived_at=None).exists()  # not named: as it was


async def test_what_a_file_does_not_name_stays_as_it_is(
    shell: Shell, database_url: str, file: Written
) -> None:
    assert (await shell("practices", "apply", "practices.toml")).code == 0
    file.write(b'[[practice]]\nslug = "oak"\nname = "Oak Tree"\n[[practice]]\nslug = "elm"\n')
    ended = await shell("practices", "apply", "practices.toml")
    assert (ended.code, ended.out) == (2, "")
    assert "practice 'elm'" in ended.err
    assert "name is empty" in ended.err
    file.write(b'[[practice]]\nslug = "oak"\nname = "Oak Tree"\n')
    applied = await shell("practices", "apply", "practices.toml")
    assert applied.out == "oak: name: 'Oak' -> 'Oak Tree'\n"
    async with opened(database_url):
        oak = await Practice.get(slug="oak")
        assert (oak.name, oak.time_zone, oak.region) == ("Oak Tree", "Europe/London", "GB")
        assert await Queue.filter(practice_id=oak.id).count() == 1


WRONG = {
    "zone": ('"America/Chicago"', '"America/Chigaco"', "did you mean America/Chicago?"),
    "region": ('"GB"', '"UK"', "did you mean GB?"),
    "slug": ('slug = "oak"', 'slug = "Maple Street"', "short name"),
    "slug twice": ('slug = "oak"', 'slug = "maple"', "two practices are called 'maple'"),
    "queue twice": ('"Missed"', '"overdue RECALL"', "two queues of 'maple' are called"),
    "ladder": ("[1, 7, 21, 60]", "[7, 1]", "increasing numbers of days"),
    "ladder of texts": ("[1, 7, 21, 60]", '["1"]', "ladder cannot be ['1']"),
    "life": ("automatic_life = 90", "automatic_life = 0", "from 1 to 3,650"),
    "kinds": ('["Cleaning", "Check-up"]', "[7]", "appointment_kinds cannot be [7]"),
    "kinds of none": ('["Cleaning", "Check-up"]', '["a\\nb"]', "cannot be shown"),
    "kind": ("= true", '= "yes"', "closes_on_appointment cannot be 'yes'"),
    "misspelt": ("automatic_life", "life", "there is no 'life'"),
    "no table": ('region = "GB"', 'queue = "x"', "is written as [[…]]"),
    "no TOML": ('[[practice]]\nslug = "maple"', "[[practice", "is no TOML"),
    "nothing": (FILE, "", "there is no [[practice]] in it"),
}


@sqlite_only
async def test_a_file_is_checked_as_a_whole_before_anything_is_changed(
    shell: Shell, database_url: str, file: Written
) -> None:
    for what, (right, wrong, said) in WRONG.items():
        file.write(FILE.replace(right, wrong, 1).encode())
        ended = await shell("practices", "apply", "practices.toml")
        assert (ended.code, ended.out) == (2, ""), what
        assert said in ended.err, (what, ended.err)
    file.write(b"\xff")
    assert "is no TOML" in (await shell("practices", "apply", "practices.toml")).err
    assert (await shell("practices", "apply", "nothing.toml")).code == 2
    async with opened(database_url):
        assert not await Practice.exists()


@sqlite_only
async def test_nobody_comes_into_an_archived_practice_until_it_is_brought_back(
    shell: Shell, database_url: str, file: Written
) -> None:
    key = re.findall(
        r"callboard_key_\S+", (await shell("practices", "apply", "practices.toml")).out
    )[0]
    assert (await shell("practices", "archive", "maple")).code == 0
    assert "archived" in (await shell("practices", "list")).out.splitlines()[0]
    async with opened(database_url):
        with pytest.raises(Unauthenticated):
            await authenticate(key)
    assert (await shell("practices", "archive", "maple", "--bring-back")).code == 0
    async with opened(database_url):
        assert (await authenticate(key)).may_set_up

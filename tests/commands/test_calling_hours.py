"""Calling hours by `callboard practices set` and `apply`."""

from pathlib import Path

import pytest

from models.database import opened
from models.practice import Practice
from tests.commands.running import Shell

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MAPLE = ("maple", "--name", "Maple Dental", "--time-zone", "America/Chicago")
WEEK, DAYS = "Mon-Fri 08:00-18:00", "2026-12-25 Christmas\n2027-01-01"

FILE = """
[[practice]]
slug = "maple"
name = "Maple Dental"
time_zone = "America/Chicago"
calling_hours = "Mon-Fri 8:00-18:00"
holidays = ["2027-01-01", "2026-12-25 Christmas"]
"""


async def kept(database_url: str) -> tuple[str | None, str | None]:
    async with opened(database_url):
        practice = await Practice.get(slug="maple")
    return practice.calling_hours, practice.holidays


@sqlite_only
async def test_hours_are_set_and_taken_away(shell: Shell, database_url: str) -> None:
    assert (await shell("practices", "create", *MAPLE)).code == 0
    given = ("--calling-hours", "mon-fri 8:00-18:00")
    days = ("--holiday", "2027-01-01", "--holiday", "2026-12-25 Christmas")
    assert (await shell("practices", "set", "maple", *given, *days)).code == 0
    assert await kept(database_url) == (WEEK, DAYS)
    assert (await shell("practices", "set", "maple", "--holiday", "")).code == 0
    assert await kept(database_url) == (WEEK, None)
    assert (await shell("practices", "set", "maple", "--calling-hours", "")).code == 0
    assert await kept(database_url) == (None, None)


@sqlite_only
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--calling-hours", "Mon 18:00-08:00"), "on Monday the hours end at 08:00"),
        (("--calling-hours", "Noday 08:00-18:00"), "'Noday' is no weekday"),
        (("--holiday", "2026-12-25", "--holiday", "2026-12-25"), "2026-12-25 is a holiday twice"),
        (("--holiday", "Christmas"), "a holiday is a date"),
    ],
)
async def test_bad_hours_change_nothing(
    shell: Shell, database_url: str, given: tuple[str, ...], said: str
) -> None:
    assert (await shell("practices", "create", *MAPLE)).code == 0
    ended = await shell("practices", "set", "maple", *given)
    assert ended.code != 0
    assert said in ended.err
    assert await kept(database_url) == (None, None)


@sqlite_only
async def test_a_file_has_hours(shell: Shell, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "practices.toml"
    file.write_text(FILE)
    assert (await shell("practices", "apply", "practices.toml")).code == 0
    assert await kept(database_url) == (WEEK, DAYS)
    again = await shell("practices", "apply", "practices.toml")
    assert (again.code, again.out) == (0, "maple: no change\n")
    file.write_text(FILE.replace("18:00", "19:00").replace(', "2026-12-25 Christmas"', ""))
    changed = await shell("practices", "apply", "practices.toml")
    assert changed.out.splitlines() == [
        f"maple: calling_hours: '{WEEK}' -> 'Mon-Fri 08:00-19:00'",
        f"maple: holidays: {DAYS!r} -> '2027-01-01'",
    ]
    file.write_text(FILE.replace("18:00", "07:00"))
    refused = await shell("practices", "apply", "practices.toml")
    assert (refused.code, refused.out) == (2, "")
    assert "practice 'maple': On Monday the hours end at 07:00" in refused.err

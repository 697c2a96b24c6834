"""A practice from its making to its first task, and rows that somebody has made by hand."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tortoise.exceptions import ValidationError

from gql_app.access import Unauthenticated, authenticate, still_valid
from gql_app.access.keys import practice_called
from models.database import opened, write
from models.practice import Practice, Queue
from models.roles import Role
from tests.commands.running import Shell
from tests.office import make_office
from tests.support.access import create_key, sign_in_by_link

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MAPLE = ("maple", "--name", " Maple Dental ", "--time-zone", "America/Chicago")
QUEUES = ("--queue", "Overdue recall", "--queue", "Missed")
ROWS = "external_id,name,phone,reason\nt1,Fern Testwell,(217) 555-0123,Recall\n"


async def test_a_practice_can_be_used_as_soon_as_it_is_made(
    shell: Shell, database_url: str, tmp_path: Path
) -> None:
    ended = await shell("practices", "create", *MAPLE, "--region", "us", *QUEUES)
    assert (ended.code, ended.err) == (0, "")
    key, link = re.findall(r"(?<=: )callboard_key_\S+|cl_\S+", ended.out)
    (tmp_path / "t.csv").write_text(ROWS)
    assert (await shell("import", "t.csv", "--practice", "maple", "--queue", "missed")).code == 0
    async with opened(database_url):
        viewer = await authenticate(key)
        assert (viewer.role, viewer.may_create_tasks) == (Role.ADMIN, True)
        assert (await sign_in_by_link(link)).token
        with pytest.raises(Unauthenticated):
            await sign_in_by_link(link)
        queues = await Queue.filter(practice_id=viewer.practice_id).order_by("position")
        assert [queue.name for queue in queues] == ["Overdue recall", "Missed"]
    assert (await shell("practices", "create", "oak", *MAPLE[1:])).code == 0
    assert (await shell("practices", "list")).out.splitlines() == [
        "maple\tMaple Dental\tAmerica/Chicago\tUS\tqueues: 2\topen tasks: 1",
        "oak\tMaple Dental\tAmerica/Chicago\tUS\tqueues: 1\topen tasks: 0",
    ]
    doctor = await shell("doctor")
    of_postgres = doctor.out.count("note: PostgreSQL may write rows into its own log")
    assert (doctor.code, doctor.out.count("\n"), doctor.out.count("ok: ")) == (
        0,
        4 + of_postgres,
        4,
    )
    assert (of_postgres > 0) is database_url.startswith("postgres")


@sqlite_only
async def test_a_practice_is_in_the_region_of_its_time_zone_unless_it_says_another(
    shell: Shell, tmp_path: Path
) -> None:
    zones = {"a": "Europe/Berlin", "b": "America/Toronto", "c": "UTC", "d": "US/Central"}
    for slug, zone in zones.items():
        assert (await shell("practices", "create", slug, *MAPLE[1:-1], zone)).code == 0
    other = ("practices", "create", "e", *MAPLE[1:-1], "Europe/Berlin", "--region", "AT")
    created = await shell(*other)
    assert "Europe/Berlin, region AT." in created.out
    assert "http://localhost:8000/#link=" in created.out
    (tmp_path / "f.toml").write_text(
        '[[practice]]\nslug = "f"\nname = "Föhr"\ntime_zone = "Europe/London"\n'
    )
    assert (await shell("practices", "apply", "f.toml")).code == 0
    listed = (await shell("practices", "list")).out.splitlines()
    regions = [line.split("\t")[3] for line in listed]
    assert regions == ["DE", "CA", "US", "US", "AT", "GB"]


WRONG = {
    ("Maple",): "'Maple' cannot be a practice's short name",
    ("-",): "short name",
    ("x" * 65,): "short name",
    ("maple",): "there is a practice 'maple' already",
    ("oak", "--name", " "): "--name is empty",
    ("oak", "--time-zone", "America/Chigaco"): "did you mean America/Chicago?",
    ("oak", "--time-zone", "america/chicago"): "did you mean America/Chicago?",
    ("oak", "--time-zone", "Berlin"): "did you mean Europe/Berlin?",
    ("oak", "--time-zone", "../UTC"): "is no time zone",
    ("oak", "--time-zone", "localtime"): "is no time zone",
    ("oak", "--region", "UK"): "did you mean GB?",
    ("oak", "--region", "USA"): "did you mean US?",
    ("oak", "--region", "ZZ"): "'ZZ' is no region",
    ("oak", "--region", "001"): "is no region",
    ("oak", "--queue", ""): "--queue is empty",
    ("oak", "--queue", "Recall", "--queue", "recall "): "two queues would be called",
    ("oak", "--queue", "x" * 201): "--queue has 201 characters",
}


@sqlite_only
async def test_each_value_of_a_practice_is_checked_where_it_is_entered(shell: Shell) -> None:
    assert (await shell("practices", "create", *MAPLE)).code == 0
    for (slug, *given), said in WRONG.items():
        ended = await shell("practices", "create", slug, *MAPLE[1:], *given)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), (slug, given)
        assert said in ended.err
        if given and "--queue" not in given:
            ended = await shell("practices", "set", "maple", *given)
            assert (ended.code, said in ended.err) == (2, True), given
    changed = ("--name", "Zoë's", "--time-zone", "Europe/Berlin", "--region", "DE")
    assert (await shell("practices", "set", "maple", *changed)).code == 0
    assert (await shell("practices", "list")).out.split("\t")[:4] == [
        "maple",
        "Zoë's",
        "Europe/Berlin",
        "DE",
    ]
    assert (await shell("practices", "set", "oak", "--name", "Oak")).code == 2


@sqlite_only
async def test_a_model_takes_no_wrong_zone_or_region_either(database_url: str) -> None:
    async with opened(database_url):
        for wrong in ({"region": "UK"}, {"time_zone": "America/Chigaco"}, {"time_zone": "../x"}):
            right: dict[str, Any] = {"slug": "elm", "name": "Elm", "time_zone": "UTC"}
            with pytest.raises(ValidationError):
                await Practice.create(**{**right, **wrong, "created_at": datetime.now(UTC)})


BY_HAND = {
    "UPDATE practice SET region = 'UK' WHERE slug = 'maple'": "'UK' is no region: ISO 3166 has two"
    " letters for each, such as US; did you mean GB?",
    "UPDATE practice SET time_zone = 'America/Chigaco' WHERE slug = 'maple'": "'America/Chigaco'"
    " is no time zone; did you mean America/Chicago?",
    "UPDATE practice SET region = 'us' WHERE slug = 'oak'": "region 'us' is not in capital letters",
    "UPDATE practice SET name = ' ' WHERE slug = 'maple'": "its name is empty",
    "UPDATE queue SET follow_up_ladder = '7,1' WHERE name = 'Missed appointments'": "queue 'Missed"
    " appointments' has a ladder that cannot be read: '7,1'",
    "UPDATE queue SET automatic_life_days = -5 WHERE name = 'Overdue recall'": "live for -5 days",
    "UPDATE access_key SET role = 'BOSS' WHERE role = 'STAFF'": "has an unknown role: 'BOSS'",
    "UPDATE access_key SET queue_ids = '[999]' WHERE role = 'PARTNER'": "not there: 999",
    "UPDATE access_key SET queue_ids = '7' WHERE role = 'SUPERVISOR'": "that cannot be read",
    "DELETE FROM patient_word": "no search finds 3 of its patients",
}


async def test_rows_that_somebody_made_by_hand_are_named(shell: Shell, database_url: str) -> None:
    async with opened(database_url):
        await make_office()
        await make_office("oak")
        for statement in BY_HAND:
            await write(statement)
    ended = await shell("doctor")
    assert ended.code == 1
    lines = [line for line in ended.out.splitlines() if line.startswith("wrong: ")]
    for statement, said in BY_HAND.items():
        assert any(said in line for line in lines), statement
    assert (await shell("keys", "list", "--practice", "maple")).code == 0


@sqlite_only
async def test_doctor_names_what_is_not_wrong_but_worth_knowing(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        practice = await Practice.create(
            slug="elm", name="Elm", time_zone="UTC", region="GB", created_at=datetime.now(UTC)
        )
        ended = datetime.now(UTC) - timedelta(days=1)
        await create_key(practice, Role.STAFF, "Kim", expires_at=ended)
    shell.set(bus_url="redis://127.0.0.1:1")
    said = await shell("doctor")
    assert [line.partition(": ")[0] for line in said.out.splitlines()] == [
        *("ok", "ok", "note", "note", "note", "ok", "wrong")
    ]
    assert f"key 1 of 'Kim' ended on {ended:%Y-%m-%d}" in said.out
    assert "bus redis://127.0.0.1:1 cannot be reached" in said.out


@sqlite_only
async def test_what_is_no_date_at_all_does_not_keep_doctor_from_saying_so(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        await make_office()
        await write("UPDATE access_key SET expires_at = 'soon'")
    said = await shell("doctor")
    assert (said.code, said.err) == (1, "")
    assert "a row cannot be read at all: Invalid isoformat string: 'soon'" in said.out


async def test_a_key_that_cannot_be_read_lets_nobody_in_and_harms_no_other(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(database_url):
        maple, oak = await make_office(), await make_office("oak")
        await write("UPDATE access_key SET queue_ids = '{}' WHERE id = $1", maple.staff.key_id)
        wrong = "UPDATE practice SET time_zone = 'America/Chigaco' WHERE slug = $1"
        await write(wrong, "oak")
        with pytest.raises(Unauthenticated):
            await authenticate(maple.keys["staff"])
        now = datetime.now(UTC)
        both = {maple.staff, maple.supervisor}
        assert await still_valid(both, now) == {maple.supervisor: None}
        assert (await authenticate(oak.keys["staff"])).practice_id == oak.practice.id
        assert (await practice_called("maple")).time_zone == "America/Chicago"
    assert f"practice {maple.practice.id}: key {maple.staff.key_id} cannot be read" in caplog.text
    assert f"practice {oak.practice.id}: 'America/Chigaco' is no time zone" in caplog.text

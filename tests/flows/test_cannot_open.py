"""A database that cannot be used is told in one line, with exit code 2, by every verb."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import with_database
from tests.flows.commands import free_port, run

PAGE = 4096

VERBS = {
    "migrate": (),
    "serve": ("--port", "0", "--migrate"),
    "prune": (),
    "expire": (),
    "keys": ("list", "--practice", "maple"),
    "queues": ("set", "--practice", "maple", "--queue", "Recall", "--ladder", "1"),
    "import": ("tasks.csv", "--practice", "maple", "--queue", "Recall"),
}


def missing(folder: Path) -> Path:
    return folder / "no" / "such" / "folder" / "callboard.sqlite3"


def a_folder(folder: Path) -> Path:
    (folder / "callboard.sqlite3").mkdir()
    return folder / "callboard.sqlite3"


def garbage(folder: Path) -> Path:
    (folder / "callboard.sqlite3").write_bytes(os.urandom(20_000))
    return folder / "callboard.sqlite3"


def rows(folder: Path) -> None:
    (folder / "tasks.csv").write_text("external_id,name,phone,reason\n1,Ann,5550100,Recall\n")


def damaged(template: Path, folder: Path) -> Path:
    """A database with a page at its end that is none."""
    content = template.read_bytes()[:-PAGE] + os.urandom(PAGE)
    (folder / "callboard.sqlite3").write_bytes(content)
    return folder / "callboard.sqlite3"


def on_a_disk_that_cannot_be_written_to(folder: Path) -> Path:
    return Path("/proc/callboard.sqlite3")  # to root, nothing else is


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (missing, "there is no folder"),
        (a_folder, "it is a folder"),
        (garbage, "it is not an SQLite database"),
        (on_a_disk_that_cannot_be_written_to, "it cannot be created or written to"),
    ],
)
@pytest.mark.parametrize("verb", ["migrate", "serve"])
async def test_a_file_that_is_no_database(
    put: Callable[[Path], Path], why: str, verb: str, tmp_path: Path
) -> None:
    file = put(tmp_path)
    code, output = await run(verb, *VERBS[verb], CALLBOARD_DATABASE_URL=f"sqlite://{file}")
    assert code == 2
    assert output.startswith(f"callboard: the database {file} cannot be opened: {why}")
    assert output.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb_says_so(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows(tmp_path)
    code, output = await run(
        verb, *VERBS[verb], CALLBOARD_DATABASE_URL=f"sqlite://{garbage(tmp_path)}"
    )
    assert code == 2
    assert "it is not an SQLite database" in output.splitlines()[-1]
    assert "Traceback" not in output


async def test_a_database_that_is_damaged_inside_is_not_served(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file = damaged(sqlite_template, tmp_path)
    code, output = await run("serve", "--port", "0", CALLBOARD_DATABASE_URL=f"sqlite://{file}")
    assert code == 2
    assert output.startswith(f"callboard: the database {file} ")
    assert "damaged" in output
    assert output.count("\n") == 1


async def test_a_demo_whose_folder_cannot_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    garbage(folder)
    code, output = await run("demo", "--data", str(folder), "--port", str(free_port()))
    assert (code, output.count("\n")) == (2, 1)
    assert "it is not an SQLite database" in output
    code, output = await run(
        "demo", "--data", str(folder / "callboard.sqlite3"), "--port", str(free_port())
    )
    assert (code, output.count("\n")) == (2, 1)
    assert output.startswith("callboard: --data ")


@pytest.mark.parametrize("verb", ["migrate", "serve", "keys"])
async def test_a_server_that_is_away(verb: str) -> None:
    url = f"postgres://me:hunter2@127.0.0.1:{free_port()}/callboard"
    code, output = await run(verb, *VERBS[verb], CALLBOARD_DATABASE_URL=url)
    assert (code, output.count("\n")) == (2, 1)
    assert "cannot be reached (Connection refused)" in output
    assert "hunter2" not in output


async def test_a_server_without_that_database(postgres_url: str) -> None:
    url = with_database(postgres_url, "no_such_database")
    code, output = await run("migrate", CALLBOARD_DATABASE_URL=url)
    assert (code, output.count("\n")) == (2, 1)
    assert "it has no database 'no_such_database'" in output


async def test_a_server_that_does_not_know_the_user(postgres_url: str) -> None:
    url = postgres_url.replace("postgres@", "nobody_here:hunter2@", 1)
    code, output = await run("migrate", CALLBOARD_DATABASE_URL=url)
    assert (code, output.count("\n")) == (2, 1)
    assert "it does not accept the user 'nobody_here' with this password" in output
    assert "hunter2" not in output

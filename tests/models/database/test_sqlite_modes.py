"""SQLite's files are for one user of the machine."""

import shutil
import stat
from pathlib import Path

import pytest

from gql_app.commands.serving import keep_files_private
from gql_app.settings import BadSetting, Settings
from models.database.connections import _connected
from models.database.sqlite_modes import close_to_others, open_to_others
from tests.commands.running import Shell, nobody_served
from tests.flows.commands import run


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_the_files_of_a_new_database_are_private_whatever_the_umask(tmp_path: Path) -> None:
    async with _connected(f"sqlite://{tmp_path / 'callboard.sqlite3'}") as client:
        assert client is not None
        await client.execute_query("CREATE TABLE written (id INT)")
        assert modes(tmp_path) == {
            "callboard.sqlite3": 0o600,
            "callboard.sqlite3-wal": 0o600,
            "callboard.sqlite3-shm": 0o600,
        }


async def test_what_a_verb_makes_by_way_of_a_link_is_private_too(tmp_path: Path) -> None:
    file, link = tmp_path / "board.sqlite3", tmp_path / "link.sqlite3"
    link.symlink_to(file)
    assert await run("migrate", CALLBOARD_DATABASE_URL=f"sqlite://{link}") == (0, "")
    assert modes(tmp_path)["board.sqlite3"] == 0o600


async def test_serve_closes_files_to_others_and_says_so(
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = Path(shutil.copy(sqlite_template, tmp_path / "callboard.sqlite3"))
    file.chmod(0o644)  # noqa: ASYNC240
    shell = Shell(monkeypatch, capsys, database_url=f"sqlite://{file}")
    doctor = await shell("doctor")
    assert (doctor.code, f"wrong: {file} is open to other users" in doctor.out) == (1, True)
    with nobody_served(monkeypatch):
        assert (await shell("serve", "--port", "0")).code == 0
    assert f"{file} was open to other users of this machine" in caplog.text
    assert set(modes(tmp_path).values()) == {0o600}
    assert (await shell("doctor")).code == 0


def test_a_mode_that_cannot_be_changed_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "callboard.sqlite3"
    file.touch()
    file.chmod(0o660)
    url = f"sqlite://{file}?synchronous=FULL"
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # as on a file system without modes
    with pytest.raises(BadSetting, match="its mode cannot be changed"):
        keep_files_private(Settings(database_url=url))
    keep_files_private(Settings(database_url=url, insecure=True))
    assert open_to_others(url) == [file]
    monkeypatch.undo()
    assert close_to_others(url) == [file]
    assert open_to_others(url) == open_to_others("postgres://localhost/x") == []

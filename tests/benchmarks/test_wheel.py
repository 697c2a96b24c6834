"""PostgreSQL from the wheel starts for root as well, or one line says what is missing."""

import os
from pathlib import Path

import pytest

from benchmarks import stage, wheel
from benchmarks.wheel import CannotStart, ready_for_postgres
from tests import conftest


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Whoever runs the tests is root on a machine without the wheel's user, and has a short path.
    The folder with root's programs is given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "sbin").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(wheel, "USER", "nobody-has-this-name")
    monkeypatch.setattr(wheel, "ROOTS_FOLDERS", (str(tmp_path / "sbin"),))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CALLBOARD_TEST_DATABASE_URL", raising=False)
    return tmp_path / "sbin"


def test_useradd_is_found_though_it_is_not_on_the_path(root: Path) -> None:
    (root / "useradd").touch(mode=0o755)
    ready_for_postgres()
    assert os.environ["PATH"].split(os.pathsep) == [str(root.with_name("bin")), str(root)]


@pytest.mark.parametrize("who", ["somebody else", "root, whose user is there"])
def test_who_needs_no_useradd_is_not_asked_for_it(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if who == "somebody else":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    else:
        monkeypatch.setattr(wheel, "USER", "root")
    ready_for_postgres()


def test_without_useradd_one_line_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"\A[^\n]*useradd[^\n]*CALLBOARD_TEST_DATABASE_URL\.\Z"):
        ready_for_postgres()
    with pytest.raises(pytest.UsageError, match="useradd"):
        conftest.pytest_configure()
    with pytest.raises(SystemExit, match="useradd"), stage.postgres(tmp_path):
        pass


def test_who_names_a_database_needs_none_from_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_TEST_DATABASE_URL", "postgres://elsewhere/callboard")
    conftest.pytest_configure()

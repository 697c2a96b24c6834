"""A shell over an empty database."""

from pathlib import Path

import pytest

from tests.commands.running import Shell


@pytest.fixture
def shell(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capsys, database_url=database_url)

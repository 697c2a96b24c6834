"""schema.graphql is what the code says, and `callboard schema --check` tells when it is not."""

import sys
from pathlib import Path

import pytest
from graphql import build_schema as from_text
from graphql import parse

from gql_app.cli import main
from gql_app.schema import schema_text

HERE = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def callboard(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["callboard", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    return done.value.code


def test_the_file_is_what_the_code_says() -> None:
    assert HERE.read_text() == schema_text()


def test_the_file_is_a_schema_that_other_tools_can_read() -> None:
    schema = from_text(HERE.read_text())
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        assert root is not None
    assert parse(schema_text())


def test_the_command_writes_the_file_and_then_finds_it_good(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callboard(monkeypatch, "schema") == 0
    assert (folder / "schema.graphql").read_text() == schema_text()
    assert callboard(monkeypatch, "schema", "--check") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("drifted", [None, "", "type Query { x: Int }"])
def test_the_check_fails_on_drift_and_leaves_the_file_alone(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    drifted: str | None,
) -> None:
    file = folder / "schema.graphql"
    if drifted is not None:
        file.write_text(drifted)
    assert callboard(monkeypatch, "schema", "--check") == 2
    assert "schema.graphql" in capsys.readouterr().err
    assert (file.read_text() if file.exists() else None) == drifted

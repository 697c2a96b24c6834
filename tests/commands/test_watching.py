"""Which key `callboard watch` takes."""

import io

import pytest

from gql_app.commands import watch
from tests.commands.running import Shell

URL = ("--url", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("option", "variable", "typed", "taken"),
    [
        (("--key", "given"), "set", "typed\n", "given"),
        ((), "set", "typed\n", "set"),
        ((), "", " typed \r\n", "typed"),
        ((), "", "\n", None),
        ((), "", "", None),
    ],
)
async def test_a_key_need_not_be_on_the_command_line(
    option: tuple[str, ...],
    variable: str,
    typed: str,
    taken: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys: list[str] = []

    async def note(_url: str, key: str, _queues: list[str]) -> None:
        keys.append(key)

    monkeypatch.setattr(watch, "watch", note)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shell = Shell(monkeypatch, capsys, key=variable)
    ended = await shell("watch", *URL, *option)
    if taken is None:
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "CALLBOARD_KEY" in ended.err
    assert keys == ([] if taken is None else [taken])

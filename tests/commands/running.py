"""The command line within the test's own process: a process for each verb takes a second."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from gql_app import terminal
from gql_app.commands.program import run


class Ended(NamedTuple):
    """How a verb ended, and what it printed."""

    code: int
    out: str
    err: str


class Shell:
    """Runs verbs with some settings."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **settings: str
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.set(**settings)

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(f"CALLBOARD_{name.upper()}", value)

    async def __call__(self, *arguments: str) -> Ended:
        self._capsys.readouterr()
        try:
            code = await asyncio.to_thread(run, arguments)
        except SystemExit as ended:
            code = int(str(ended.code))
        except terminal.CannotPrint as error:
            code = 141 if error.is_closed else terminal.complain(error)
        return Ended(code, *self._capsys.readouterr())


@contextmanager
def nobody_served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block `serve` and `demo` do all that they do before they serve, and then end."""
    with monkeypatch.context() as patched:
        for module in ("serving", "demo.command"):
            patched.setattr(f"gql_app.commands.{module}.serve_until_stopped", lambda *_: 0)
        yield

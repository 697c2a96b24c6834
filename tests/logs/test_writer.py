"""Lines are written by a thread: nobody who logs waits for those who read."""

import logging
import stat
import threading
from pathlib import Path

import pytest

from gql_app.logs import writer
from gql_app.logs.writer import Writer, to_file


def say(handler: Writer, text: str) -> None:
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, text, (), None))


def test_lines_are_written_in_order_and_a_flush_waits_for_them() -> None:
    written: list[str] = []
    handler = Writer(written.append)
    for number in range(500):
        say(handler, f"{number}")
    handler.flush()
    assert "".join(written).split() == [str(number) for number in range(500)]


def test_if_nobody_reads_lines_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    monkeypatch.setattr(writer, "LAST_SECONDS", 0.01)
    is_read, written = threading.Event(), []

    def write(text: str) -> None:
        written.append(text)
        is_read.wait(10)

    handler = Writer(write)
    log = logging.getLogger(writer.__name__)
    log.addHandler(handler)
    try:
        say(handler, "first")
        handler.flush()  # it does not wait for ever
        assert written == ["first\n"]
        for number in range(10):
            say(handler, f"{number}")
        is_read.set()
        monkeypatch.setattr(writer, "LAST_SECONDS", 10)
        handler.flush()
    finally:
        log.removeHandler(handler)
    assert "".join(written).splitlines() == [
        *("first", "0", "1", "2"),
        "7 lines of the log were dropped: nobody read it",
    ]


def test_a_reader_that_has_gone_ends_nothing() -> None:
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        if len(written) == 1:
            raise BrokenPipeError

    handler = Writer(write)
    for _ in range(2):
        say(handler, "a")
        handler.flush()
    assert written == ["a\n", "a\n"]


def test_a_line_that_cannot_be_made_says_only_so() -> None:
    written: list[str] = []
    handler = Writer(written.append)
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, "%d", ("secret",), None))
    handler.flush()
    assert written == ["a line of x cannot be shown: TypeError\n"]


def test_a_file_is_its_owners_alone_and_may_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "security.log"
    write = to_file(path)
    write("a\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.rename(tmp_path / "old.log")
    write("b\n")
    assert (tmp_path / "old.log").read_text() == "a\n"
    assert path.read_text() == "b\n"


def test_a_file_that_cannot_be_written_to_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        to_file(tmp_path)

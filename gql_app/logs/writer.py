"""Writes log lines from a thread of its own, so that no request waits for those who read the log.

If nobody reads (a pipe that is full, a disk that hangs), up to `MAX_WAITING` lines wait. Further
ones are dropped, and the log says how many once it is read again.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Lines, of some 300 bytes."""
PAUSE_SECONDS = 0.05
"""Lines that come within this time are written together."""
LAST_SECONDS = 1.0
"""How long the end of the process waits for the last lines."""


class Writer(logging.Handler):
    """Formats each record at once, and hands the lines to `write` in its thread."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self._lines: list[str] = []
        self._dropped = 0
        self._guard = threading.Lock()
        self._has_lines = threading.Event()
        self._is_idle = threading.Event()
        self._is_idle.set()
        self._hurry = threading.Event()
        threading.Thread(target=self._keep_writing, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # logging would print the record, with its arguments
            line = f"a line of {record.name} cannot be shown: {type(error).__name__}"
        with self._guard:
            if len(self._lines) >= MAX_WAITING:
                self._dropped += 1
                return
            self._lines.append(line)
            if len(self._lines) == 1:
                self._is_idle.clear()
                self._has_lines.set()

    def flush(self) -> None:
        """Wait until all lines are written, but not long."""
        self._hurry.set()
        self._is_idle.wait(LAST_SECONDS)
        self._hurry.clear()

    def _keep_writing(self) -> None:
        while True:
            self._has_lines.wait()
            self._hurry.wait(PAUSE_SECONDS)
            with self._guard:
                self._has_lines.clear()
                lines, self._lines = self._lines, []
                dropped, self._dropped = self._dropped, 0
            with suppress(OSError, ValueError):  # nobody reads it any more
                self._write("".join(f"{line}\n" for line in lines))
            if dropped:
                log.warning("%d lines of the log were dropped: nobody read it", dropped)
            with self._guard:
                if not self._lines:
                    self._is_idle.set()


def to_standard_error() -> Callable[[str], None]:
    """Past Python's own buffer where there is a file behind it: a thread that waits in it, because
    nobody reads, would keep the process from ending."""
    stream: TextIO | None = sys.stderr
    if stream is None:
        return lambda _: None
    try:
        file = stream.fileno()
    except (OSError, ValueError):
        return _to_stream(stream)

    def write(text: str) -> None:
        left = text.encode(errors="backslashreplace")
        while left:
            left = left[os.write(file, left) :]

    return write


def _to_stream(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def to_file(path: Path) -> Callable[[str], None]:
    """Append to a file that only its owner can read. It is opened each time: a file that was moved
    away, as log rotation does, is made anew. Raises `OSError` if it cannot be written to."""

    def write(text: str) -> None:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, text.encode(errors="backslashreplace"))
        finally:
            os.close(file)

    write("")
    return write

"""What the command line prints. A stored text cannot move the cursor, turn a line around or begin a
new one: whatever a terminal would obey is shown as an escape, such as \\x1b."""

import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper

_OBEYED = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the direction of text
    "\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # separators, and what has no width
    "\ud800-\udfff"  # halves of characters, and bytes that are not UTF-8
    "\U000e0000-\U000e007f"  # tags, which have no width either
    "]"
)


class CannotPrint(Exception):
    """Standard output cannot be written to. `is_closed`: its reader has gone, as after `| head`."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written to: {error.strerror}")
        self.is_closed = isinstance(error, BrokenPipeError)


def prepare() -> None:
    """Let standard output and error show any text, whatever the locale's encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def shown(text: object) -> str:
    """The text as one line that a terminal only shows."""
    return _OBEYED.sub(lambda found: ascii(found.group())[1:-1], str(text))


def say(*fields: object) -> None:
    """Print a line of fields, with tabs between them. Raises `CannotPrint`."""
    try:
        print("\t".join(map(shown, fields)), flush=True)  # a pipe would keep it back
    except OSError as error:
        raise CannotPrint(error) from None


def is_terminal() -> bool:
    """Whether standard output is shown to somebody."""
    return sys.stdout.isatty()


def put(data: bytes) -> None:
    """Write a part of a file to standard output as it is; to a terminal as lines that it only
    shows. Raises `CannotPrint`."""
    if is_terminal():
        for line in data.decode(errors="replace").splitlines():
            say(line)
        return
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise CannotPrint(error) from None


def note(message: object) -> None:
    """Print a line on standard error, if there is one."""
    with suppress(OSError):
        print(shown(message), file=sys.stderr, flush=True)


def complain(message: object) -> int:
    """Say what is wrong. Returns the exit code for it."""
    note(f"callboard: {message}")
    return 2


def let_go() -> None:
    """Leave nothing for the interpreter to write at its end: it would fail again, with a
    traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""What may be written to the log, and where it goes."""

import logging
import sys
import threading
from pathlib import Path
from typing import Any

from gql_app.logs import lines, writer
from gql_app.logs.lines import SECURITY as SECURITY

TALKATIVE = (
    "aiosqlite",
    "asyncio",
    "tortoise",
    "tortoise.db_client",
    "uvicorn.error",
    "websockets",
)
"""Loggers that write statements with their values, or frames, at DEBUG: that is patient data."""

REQUESTS = "callboard.requests"
"""The logger of requests, each a line."""

OURS = ("gql_app", "models", "callboard")

CLIENT_FAULTS = (
    "Invalid HTTP request received.",
    "Invalid UTF-8 sequence received from client.",
    "Unsupported upgrade request.",
    "opening handshake failed",
)
"""What uvicorn and websockets write, as warnings and errors, of what a client did wrong."""


def keep_values_out_of_logs() -> None:
    """Whatever level the root logger has, no line may hold what a patient said."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
    logging.getLogger("uvicorn.error").addFilter(_tone_down)


def set_up_logs(form: str | None, level: str, security_file: Path | None) -> None:
    """Have this process write its log to standard error: in `form` ("json", "console", or by
    whether a terminal reads it), from `level` on. Security events go to `security_file`, if there
    is one. Raises `OSError` if that cannot be written to."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if form is None:
        form = "console" if is_terminal else "json"
    main = writer.Writer(writer.to_standard_error())
    main.setFormatter(lines.formatter(form, colours=is_terminal))
    root, security = logging.getLogger(), logging.getLogger(SECURITY)
    root.handlers = [main]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    security.setLevel(logging.INFO)
    if security_file is not None:
        apart = writer.Writer(writer.to_file(security_file))
        apart.setFormatter(lines.formatter("json"))
        security.handlers = [apart]
        security.propagate = False
    keep_values_out_of_logs()
    for name in TALKATIVE:  # at INFO they write addresses, and what they please
        logging.getLogger(name).setLevel(logging.WARNING)
    _log_what_nobody_caught()


def _tone_down(record: logging.LogRecord) -> bool:
    """A filter for faults of clients: each becomes a line at INFO, without a traceback."""
    is_of_client = str(record.msg).startswith(CLIENT_FAULTS)
    if is_of_client:
        logging.getLogger(REQUESTS).info("client fault: %s", record.msg)
    return not is_of_client


def _log_what_nobody_caught() -> None:
    """Python would print such an exception with its text, which may have a row in it."""
    log = logging.getLogger("callboard")

    def in_main(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("this is a bug: nobody caught it", exc_info=error)

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None:
            log.error("a thread has ended", exc_info=found.exc_value)

    def unraisable(found: Any) -> None:
        log.error("an exception could not be raised", exc_info=found.exc_value)

    sys.excepthook = in_main
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable

"""What a server in the test's own process logs, as lines of JSON."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gql_app.logs.lines import formatter


class Kept(logging.Handler):
    """Keeps each line, formatted where it is logged, as the server's own handler does."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter("json"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The lines of these events, all if none is named."""
        return [line for line in self.lines if not names or line["event"] in names]


@contextmanager
def kept_log(name: str) -> Iterator[Kept]:
    """Everything that the logger `name`, and those below it, are given from INFO on."""
    logger, kept = logging.getLogger(name), Kept()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(kept)
    try:
        yield kept
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)

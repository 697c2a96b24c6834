"""What background jobs say of a round that fails."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from models.database.sqlite_files import DatabaseLost


@contextmanager
def retried(
    log: logging.Logger, failed: str, but: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """A round of a job, after which there is another: that it has `failed` is a line in the log, as
    the database may be away. If SQLite's files are lost, that has been said, and ends all jobs.
    Those in `but` are raised: they are no failures."""
    try:
        yield
    except but:
        raise
    except DatabaseLost:
        pass
    except Exception as error:
        log.warning("%s: %s", failed, type(error).__name__)

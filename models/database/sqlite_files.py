"""SQLite: whether the files that are open are still the database.

A backup that is renamed over the database leaves this process with a file that has no name any
more, and SQLite goes on writing to it. So the files are compared with those at their path before
and after each commit, and twice a second. Once they differ, or SQLite finds them damaged, nothing
is read or written until the server is restarted.
"""

import logging
import os
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from tortoise.exceptions import OperationalError

log = logging.getLogger(__name__)

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class DatabaseLost(OperationalError):
    """The database is not available. The server's operator has to restart it."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class _Progress(NamedTuple):
    """How far checkpoints have copied the log into the database, from the `-shm` file (its format
    is in SQLite's walformat.html): the log's salt, frames copied, and frames to be copied."""

    salt: bytes
    copied: bytes
    attempted: bytes

    @property
    def is_under_way(self) -> bool:
        return self.copied != self.attempted


class Files:
    """The database's file, and the log and index beside it, as they were when it was opened."""

    def __init__(self, path: str) -> None:
        self._path, self._log, self._index = Path(path), Path(f"{path}-wal"), Path(f"{path}-shm")
        self._known: dict[Path, tuple[int, int]] = {}
        self._written: tuple[int, int] | None = None
        self._progress: _Progress | None = None
        self._index_file: int | None = None
        self._is_spoilt = False
        self.is_lost = False

    def watch(self) -> None:
        """Remember the files. To be called when a connection is open and has read."""
        for path in (self._path, self._log, self._index):
            if identity := _identity(path):
                self._known[path] = identity
        if self._index in self._known:
            self._index_file = os.open(self._index, os.O_RDONLY | os.O_CLOEXEC)
            self._learn()

    def release(self) -> None:
        """Stop watching. To be called when all connections are closed: closing a file gives up all
        locks that this process has on it, SQLite's too."""
        self._known.clear()
        if self._index_file is not None:
            os.close(self._index_file)
            self._index_file = None

    def check(self) -> None:
        """Raise `DatabaseLost` if the files are not the ones that were opened."""
        self.refuse_if_lost()
        before = None if self._index_file is None else self._read_progress()
        for path, identity in self._known.items():
            try:
                found = path.stat()
            except OSError:
                self._lose(f"{path} was removed")
            if (found.st_dev, found.st_ino) != identity:
                self._lose(f"{path} was replaced")
            if path == self._path and before is not None:
                self._check_written((found.st_size, found.st_mtime_ns), before)

    def refuse_if_lost(self) -> None:
        """Raise `DatabaseLost` if the files were found replaced or damaged before."""
        if self.is_lost:
            raise DatabaseLost

    def refuse_if_damaged(self, error: BaseException | None) -> None:
        """Raise `DatabaseLost` if `error` says that a file is damaged."""
        if says(error, DAMAGE):
            self.check()  # another file looks like damage too
            self._is_spoilt = True
            self._lose(f"{self._path} is damaged")

    def may_be_closed(self) -> bool:
        """Whether SQLite may close its connections. The last one copies the log into the database
        and removes the file at the log's path, so both must be the files that it opened."""
        if not self.is_lost:
            return True
        self._put_aside_for_another()
        return (
            not self._is_spoilt
            and _identity(self._path) == self._known[self._path]
            and _identity(self._log) in (None, self._known.get(self._log))
        )

    def _lose(self, reason: str) -> NoReturn:
        self.is_lost = True
        self._put_aside_for_another()
        log.critical(
            "%s: nothing is read or written any more until the server is restarted", reason
        )
        raise DatabaseLost

    def _put_aside_for_another(self) -> None:
        if _identity(self._path) not in (None, self._known[self._path]):
            self._put_aside()

    def _put_aside(self) -> None:
        """Rename the log and the index. If they stayed beside another database, SQLite would take
        them for that database's, and mix the two."""
        for path in (self._log, self._index):
            if path in self._known and _identity(path) == self._known[path]:
                with suppress(OSError):
                    path.rename(f"{path}.lost")

    def _check_written(self, written: tuple[int, int], before: _Progress) -> None:
        """Raise `DatabaseLost` if another program than SQLite wrote to the file, such as `cp`. In
        WAL mode SQLite writes to it in checkpoints only, this process's or another one's, and notes
        each in the index."""
        if written == self._written:
            self._progress = before
            return
        progress = self._read_progress()
        if self._written and progress == self._progress and not progress.is_under_way:
            self._is_spoilt = True
            self._put_aside()
            self._lose(f"{self._path} was written to by another program than SQLite")
        self._learn()

    def _learn(self) -> None:
        """Remember the file's size and time. While a checkpoint is under way they are not
        remembered, and the next look decides."""
        before = self._read_progress()
        found = self._path.stat()
        is_settled = before == self._read_progress() and not before.is_under_way
        self._written = (found.st_size, found.st_mtime_ns) if is_settled else None
        self._progress = before

    def _read_progress(self) -> _Progress:
        assert self._index_file is not None
        header = os.pread(self._index_file, 136, 0)
        return _Progress(header[32:40], header[96:100], header[128:132])


def says(error: BaseException | None, codes: Collection[int]) -> bool:
    """Whether `error` or one of its causes is an error of SQLite's with one of these codes."""
    while error is not None:  # Tortoise wraps some of SQLite's errors
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in codes:
            return True
        error = error.__cause__ or error.__context__
    return False


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

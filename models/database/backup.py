"""Backups while a server runs: of SQLite by its own means, of PostgreSQL by pg_dump.

A copy of SQLite's file alone (`cp`) lacks what its log holds, and may be of two moments.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from models.database.opening import CannotOpen
from models.database.sqlite import MEMORY
from models.database.sqlite_modes import BESIDE
from models.wires import read_wire

LOCK_MS = 10_000
"""How long to wait for a lock on SQLite's file."""


class CannotBackUp(CannotOpen):
    """There is no backup; the message says why, and what to do."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    scheme, _, rest = url.partition("://")
    return Path(rest.partition("?")[0]) if scheme == "sqlite" else None


def is_of_database(url: str, path: Path) -> bool:
    """Whether `path` is the database at `url` itself, or one of the files beside it."""
    file = sqlite_file(url)
    if file is None:
        return False
    own = [file.with_name(file.name + end) for end in BESIDE]
    return path.resolve() in [one.resolve() for one in own] or any(
        path.exists() and one.exists() and path.samefile(one) for one in own
    )


def back_up(url: str, target: Path) -> None:
    """Write the database at `url`, as it is at one moment, to the empty file `target`, and look
    through what was written. Raises `CannotBackUp`."""
    file = sqlite_file(url)
    if file is None:
        _dump(url, target)
    elif str(file) == MEMORY or not file.is_file():
        raise CannotBackUp(f"there is no database {file}: is CALLBOARD_DATABASE_URL right?")
    else:
        try:
            _copy(file, target)
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            full = " (the disk is full)" if name == "SQLITE_FULL" else ""
            raise CannotBackUp(f"the backup was given up: {name}{full}") from error


def make_single(copy: Path) -> None:
    """Have a copy of an SQLite database be one file, without a log beside it."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _copy(file: Path, target: Path) -> None:
    address = f"file:{quote(str(file.absolute()))}?mode=rw"
    with (
        closing(sqlite3.connect(address, uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.execute(f"PRAGMA busy_timeout = {LOCK_MS}")
        live.execute("PRAGMA query_only = ON")
        # In one step: it reads as of one moment, and holds up nobody who writes to the log.
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        ((found,),) = copy.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok" or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise CannotBackUp(f"the database {file} is damaged: restore an older backup")


def _dump(url: str, target: Path) -> None:
    programs = [shutil.which(name) for name in ("pg_dump", "pg_restore")]
    if not all(programs):
        raise CannotBackUp(
            "PostgreSQL is backed up by pg_dump, which is not there: install PostgreSQL's client"
            " programs, or run on its own machine: pg_dump --format=custom --file=FILE DATABASE"
        )
    dump, restore = programs
    _run(str(dump), "--format=custom", "--no-password", f"--file={target}", **_address(url))
    _run(str(restore), f"--file={os.devnull}", str(target))  # it reads all of it


def _run(program: str, *arguments: str, **environment: str) -> None:
    """Raises `CannotBackUp` with what the program has said last."""
    ended = subprocess.run(  # noqa: S603 - a program of PostgreSQL's
        [program, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        said = next((line for line in lines if "error" in line), "it has failed")
        raise CannotBackUp(f"{Path(program).name}: {said.partition('error: ')[2] or said}")


def _address(url: str) -> dict[str, str]:
    """What PostgreSQL's programs have to know, as variables: others can read their arguments."""
    wire = read_wire(url)
    parts = urlsplit(wire.url)
    given = parse_qs(parts.query)
    who, _, named = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    places = [
        place.rpartition(":") if ":" in place else (place, "", "") for place in named.split(",")
    ]
    hosts, ports = [host for host, _, _ in places], [port for _, _, port in places]
    found = {
        "PGHOST": ",".join(hosts).replace("[", "").replace("]", "") or given.get("host", [""])[0],
        "PGPORT": ",".join(ports).strip(",") or given.get("port", [""])[0],
        "PGUSER": unquote(user),
        "PGPASSWORD": unquote(password),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
        "PGSSLMODE": wire.mode,
        "PGSSLROOTCERT": wire.root or ("" if wire.is_local else "system"),
    }
    return {name: value for name, value in found.items() if value}

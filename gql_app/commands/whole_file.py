"""Files that have their name only when they are whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.checks import BadValue


def check_new(path: Path, *, may_replace: bool) -> None:
    """Raise `BadValue` if no file may be written at `path`: there is one already, or no folder. To
    be called before the work begins."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise BadValue(f"there is no folder {folder}")
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file() or path.is_symlink():
        raise BadValue(f"{path} is not a file, so it is not replaced")
    if not may_replace:
        raise BadValue(f"{path} is there already; --force replaces it")


@contextmanager
def whole_file(path: Path, *, may_replace: bool) -> Iterator[Path]:
    """A file to write to, beside `path` and for its owner alone. It takes that name when the block
    has ended, and is removed if the block raises, for example because the disk is full. Raises
    `BadValue`."""
    check_new(path, may_replace=may_replace)
    opened, name = tempfile.mkstemp(".unfinished", f"{path.name}.", path.absolute().parent)
    unfinished = Path(name)
    try:
        os.close(opened)
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        if may_replace:
            unfinished.replace(path)
        else:
            _take_name(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _take_name(unfinished: Path, path: Path) -> None:
    """Give the file its name, unless another one has taken it meanwhile."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise BadValue(f"{path} is there already; --force replaces it") from None
    except OSError:  # a file system without hard links
        check_new(path, may_replace=False)
        unfinished.rename(path)

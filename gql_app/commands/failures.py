"""What may go wrong in a verb, each told in one line."""

from gql_app.access import keys
from gql_app.clock import Doubtful
from gql_app.commands import watch
from gql_app.settings import BadSetting
from gql_app.work.imports.records import CannotImport
from gql_app.work.practices import Refused
from models.checks import BadValue
from models.database.opening import DATABASE_ERRORS, CannotOpen, failure
from models.limits import Busy

EXPECTED = (
    BadSetting,
    BadValue,
    CannotOpen,
    CannotImport,
    Doubtful,
    keys.NotThere,
    Refused,
    watch.CannotWatch,
)
"""What a verb may raise whose message is one clear line."""


def told(error: Exception) -> str | None:
    """What to say of `error` in one line; None if it is not expected, which makes it a bug."""
    if isinstance(error, EXPECTED):
        return str(error)
    if isinstance(error, Busy):
        return f"{error} It was not done because {error.reason}."
    if isinstance(error, DATABASE_ERRORS):
        return f"the database has failed: {failure(error)}"
    if isinstance(error, OSError):  # a file or an address of this machine: no disk, no right
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror or type(error).__name__}"
    return None

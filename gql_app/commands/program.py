"""The program behind `callboard`: it finds the verb, runs it, and turns what was expected to go
wrong into one line and an exit code."""

import os
from collections.abc import Sequence
from importlib.metadata import version

from gql_app import watch
from gql_app.access import keys
from gql_app.app import keep_values_out_of_logs
from gql_app.clock import Doubtful
from gql_app.commands import (
    doctor,
    loading,
    practices,
    schema,
    serving,
    set_up,
    upkeep,
    verify,
    watching,
)
from gql_app.commands.arguments import Parser, Verbs
from gql_app.importing.reading import CannotImport
from gql_app.settings import BadSetting, read_settings
from gql_app.terminal import complain
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
    watch.CannotWatch,
)
"""What a verb may raise whose message is one clear line."""


def run(arguments: Sequence[str]) -> int:
    """Run the verb that `arguments` name. Returns the exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        keep_values_out_of_logs()
        return int(given.run(given, settings))
    except EXPECTED as error:
        return complain(error)
    except Busy as busy:
        return complain(f"{busy} It was not done because {busy.reason}.")
    except DATABASE_ERRORS as error:
        return complain(f"the database has failed: {failure(error)}")
    except OSError as error:  # a file or an address of this machine: no disk, no right, no room
        where = "" if error.filename is None else f"{error.filename}: "
        return complain(f"{where}{error.strerror or type(error).__name__}")


def parser() -> Parser:
    """All verbs with their arguments."""
    program = Parser("callboard", description="Live patient-contact task queues.")
    program.add_argument(
        "--version",
        action="version",
        version=f"callboard {version('callboard')}",
        help="print the version and exit",
    )
    verbs = Verbs(program)
    serving.add(verbs)
    upkeep.add(verbs)
    verify.add(verbs)
    doctor.add(verbs)
    practices.add(verbs)
    set_up.add(verbs)
    loading.add(verbs)
    watching.add(verbs)
    schema.add(verbs)
    return program

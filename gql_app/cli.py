"""The `callboard` command."""

import gc
import os
import sys
from typing import TYPE_CHECKING

from gql_app import terminal

if TYPE_CHECKING:
    from gql_app.settings import Settings


def main() -> None:
    """Run the verb that the command line names. Exits with 2 on a bad setting or argument, with 130
    after Ctrl-C, and with 141, as other programs do, if nobody reads what it prints."""
    terminal.prepare()
    os.umask(0o077)  # databases, keys and rejected rows are for nobody else on this machine
    try:
        # To import it all takes a second, in which Ctrl-C may come too.
        from gql_app.commands.program import run  # noqa: PLC0415

        code = run(sys.argv[1:], _set_up_logs)
    except KeyboardInterrupt:
        code = 130
    except terminal.CannotPrint as error:
        code = 141 if error.is_closed else terminal.complain(error)
    finally:
        terminal.let_go()
        # What was imported is freed with the process, not object by object, which takes longer
        # than many a verb, and than what is left of the time that a server has to stop.
        gc.freeze()
    sys.exit(code)


def _set_up_logs(settings: "Settings") -> None:
    from gql_app.logs import set_up_logs  # noqa: PLC0415 - help needs none

    set_up_logs(settings.log, settings.log_level, settings.security_log)

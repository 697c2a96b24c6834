"""The `callboard` command."""

import os
import sys

from gql_app import terminal


def main() -> None:
    """Run the verb that the command line names. Exits with 2 on a bad setting or argument, with 130
    after Ctrl-C, and with 141, as other programs do, if nobody reads what it prints."""
    terminal.prepare()
    os.umask(0o077)  # databases, keys and rejected rows are for nobody else on this machine
    try:
        # To import it all takes a second, in which Ctrl-C may come too.
        from gql_app.commands.program import run  # noqa: PLC0415

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except terminal.CannotPrint as error:
        code = 141 if error.is_closed else terminal.complain(error)
    finally:
        terminal.let_go()
    sys.exit(code)

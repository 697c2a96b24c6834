"""The program behind `callboard`: it finds the verb, runs it, and turns what was expected to go
wrong into one line and an exit code."""

import os
from collections.abc import Sequence
from importlib import import_module

from gql_app.commands.verbs import parser
from gql_app.logs import keep_values_out_of_logs
from gql_app.settings import read_settings
from gql_app.terminal import complain


def run(arguments: Sequence[str]) -> int:
    """Run the verb that `arguments` name. Returns the exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        keep_values_out_of_logs()
        module, _, function = given.run.rpartition(".")
        verb = getattr(import_module(f"gql_app.commands.{module}"), function)
        return int(verb(given, settings))
    except Exception as error:
        # Imported only now: it imports every verb's errors.
        from gql_app.commands.failures import told  # noqa: PLC0415

        message = told(error)
        if message is None:
            raise
        return complain(message)

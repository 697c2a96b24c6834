"""The program behind `callboard`: it finds the verb, runs it, and turns what was expected to go
wrong into one line and an exit code."""

import os
from collections.abc import Callable, Sequence
from importlib import import_module

from gql_app.commands.verbs import parser
from gql_app.settings import Settings, read_settings
from gql_app.terminal import complain


def run(arguments: Sequence[str], set_up: Callable[[Settings], None] = lambda _: None) -> int:
    """Run the verb that `arguments` name, after `set_up` has prepared the process for it. Returns
    the exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        set_up(settings)
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

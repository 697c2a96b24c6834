"""Arguments of the command line: how they are read, and what is said of one that cannot be."""

import argparse
from datetime import UTC, date, datetime
from typing import NoReturn

from gql_app.terminal import complain

HIGHEST_PORT = 65_535
MOST_WORKERS = 1_000


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        verb = self.prog.removeprefix("callboard").strip()
        self.exit(complain(f"{verb}: {message}" if verb else message))


class Verbs:
    """The verbs of a program, or of a verb."""

    def __init__(self, parser: Parser) -> None:
        self._verbs: argparse._SubParsersAction[Parser] = parser.add_subparsers(
            required=True, metavar="VERB", help="what to do; VERB --help says more"
        )

    def add(self, name: str, purpose: str, run: str | None = None) -> Parser:
        """Add a verb. `run` names the function that carries it out, as module.function in this
        folder; without it the verb has verbs of its own."""
        verb = self._verbs.add_parser(name, help=purpose, description=_sentence(purpose))
        if run is not None:
            verb.set_defaults(run=run)
        return verb


def add_practice(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--practice",
        required=True,
        type=text,
        metavar="SLUG",
        help="the practice's short name, as practices list shows it",
    )


def text(given: str) -> str:
    """A text that a database can be asked for."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{given!r} is not UTF-8") from None
    return given


def port(given: str) -> int:
    """A port to listen at; 0 for one that is free."""
    return _number(given, 0, HIGHEST_PORT, "a port")


def workers(given: str) -> int:
    return _number(given, 1, MOST_WORKERS, "a number of processes")


def number(given: str) -> int:
    """The number of a row."""
    return _number(given, 1, 2**63 - 1, "a number from the list")


def days(given: str) -> int:
    return _number(given, 0, 366, "a number of days")


def moment(given: str) -> datetime:
    """A moment, in UTC unless it says otherwise."""
    try:
        read = datetime.fromisoformat(given)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"a moment is written as 2027-01-31T18:00Z, not {given!r}"
        raise argparse.ArgumentTypeError(message) from None


def day(given: str) -> date:
    """A date."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        message = f"a date is written as 2027-01-31, not {given!r}"
        raise argparse.ArgumentTypeError(message) from None


def _number(given: str, least: int, most: int, what: str) -> int:
    is_number = given.isascii() and given.isdigit() and len(given) <= 19
    if is_number and least <= int(given) <= most:
        return int(given)
    raise argparse.ArgumentTypeError(f"{what} is from {least:,} to {most:,}, not {given!r}")


def _sentence(purpose: str) -> str:
    return f"{purpose[0].upper()}{purpose[1:]}."

"""docs/protocol.md lists every code with which a socket is closed or a request is refused."""

from gql_app.commands.watch import NO_USE_TRYING
from gql_app.schema.errors import ERROR_CODES
from gql_app.web.close_codes import CloseCode
from tests.protocol import closes, rows

BROKEN_OFF = 1006
"""What clients report if there is no close frame. Nobody sends it."""


def test_every_close_code_has_a_row() -> None:
    assert set(closes()) == set(CloseCode) | {BROKEN_OFF}


def test_a_watch_gives_up_after_the_closes_that_would_come_again() -> None:
    assert set(closes("No")) == NO_USE_TRYING


def test_every_code_of_an_error_has_a_row() -> None:
    listed = [code.strip("`") for code, *_ in rows("Errors of a request") if code]
    assert sorted(listed) == sorted(ERROR_CODES.all)

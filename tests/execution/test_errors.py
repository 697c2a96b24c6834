"""What a client sees of an error, and what the log does."""

import logging

import pytest
from graphql import GraphQLError

from gql_app.execution.errors import ErrorCodes


class Expected(Exception):
    """An error that has a code."""


class MoreExact(Expected):
    """A kind of it."""


CODES = ErrorCodes({Expected: "FORBIDDEN"})


def wrapped(cause: Exception, times: int = 1) -> GraphQLError:
    """`cause` as a resolver raised it, wrapped as graphql-core does."""
    try:
        raise cause
    except Exception as raised:
        error = GraphQLError(str(raised), path=["tasks", 0], original_error=raised)
    for _ in range(times - 1):
        error = GraphQLError(error.message, path=error.path, original_error=error)
    return error


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("kind", [Expected, MoreExact])
def test_an_expected_error_keeps_its_words_and_has_its_code(
    kind: type[Exception], times: int, caplog: pytest.LogCaptureFixture
) -> None:
    (shown,) = CODES.describe([wrapped(kind("You may not."), times)])
    assert shown == {
        "message": "You may not.",
        "path": ["tasks", 0],
        "extensions": {"code": "FORBIDDEN"},
    }
    assert caplog.records == []


def test_an_error_of_graphql_itself_is_bad_input() -> None:
    (shown,) = CODES.describe([GraphQLError("Syntax Error", extensions={"hint": "here"})])
    assert shown["message"] == "Syntax Error"
    assert shown["extensions"] == {"hint": "here", "code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("times", [1, 2])
def test_an_unexpected_error_is_masked_and_logged_without_its_text(
    times: int, caplog: pytest.LogCaptureFixture
) -> None:
    (shown,) = CODES.describe([wrapped(ZeroDivisionError("patient's secret"), times)])
    identifier = shown["extensions"].pop("correlationId")
    assert shown == {
        "message": "Something went wrong on our side.",
        "path": ["tasks", 0],
        "extensions": {"code": "INTERNAL"},
    }
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    line = record.getMessage()
    assert identifier in line
    assert "ZeroDivisionError in wrapped:" in line
    assert "secret" not in caplog.text


def test_each_unexpected_error_has_an_identifier_of_its_own() -> None:
    shown = CODES.describe([wrapped(ValueError()) for _ in range(10)])
    assert len({error["extensions"]["correlationId"] for error in shown}) == 10


def test_an_error_that_was_never_raised_is_masked_too() -> None:
    shown = CODES.request_error(ValueError("secret"))
    assert shown["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(shown)


def test_an_error_of_the_request_as_a_whole_has_its_code() -> None:
    shown = CODES.request_error(Expected("You may not."))
    assert shown == {"message": "You may not.", "extensions": {"code": "FORBIDDEN"}}

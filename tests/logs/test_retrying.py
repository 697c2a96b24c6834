"""What is said of a background job's round that fails, and of which failures nothing is."""

import logging

import pytest

from gql_app.logs.retrying import retried
from models.database.sqlite_files import DatabaseLost

log = logging.getLogger("gql_app.test")


def fail(error: Exception) -> None:
    with retried(log, "the round failed", but=(LookupError,)):
        raise error


def test_a_failure_is_a_line_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    fail(OSError("Amber Testwell"))
    assert caplog.messages == ["the round failed: OSError"]


def test_lost_files_are_not_spoken_of_once_more(caplog: pytest.LogCaptureFixture) -> None:
    fail(DatabaseLost())
    assert caplog.messages == []


def test_what_is_no_failure_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError):
        fail(KeyError())
    assert caplog.messages == []

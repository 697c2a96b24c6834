"""Errors as clients see them: which exceptions are expected, their codes, and results with them."""

from typing import Any

from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult

from gql_app.access import Forbidden, OtherViewer, RateLimited, Unauthenticated
from gql_app.execution.errors import BAD_INPUT, INTERNAL, ErrorCodes
from gql_app.execution.limits import TooComplex
from gql_app.execution.persisted import (
    NotTrusted,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    WrongHash,
)
from gql_app.work.reads.conditions import BadInput
from models.database.sqlite_files import DatabaseLost
from models.event import Resync
from models.limits import Busy

BUSY = "BUSY"
FORBIDDEN = "FORBIDDEN"
RATE_LIMITED = "RATE_LIMITED"
RESYNC_REQUIRED = "RESYNC_REQUIRED"
UNAVAILABLE = "UNAVAILABLE"

ERROR_CODES = ErrorCodes(
    {
        OtherViewer: "VIEWER_CHANGED",
        Unauthenticated: "UNAUTHENTICATED",
        Forbidden: FORBIDDEN,
        RateLimited: RATE_LIMITED,
        TooComplex: "TOO_COMPLEX",
        BadInput: BAD_INPUT,
        Resync: RESYNC_REQUIRED,
        DatabaseLost: UNAVAILABLE,
        Busy: BUSY,
        PersistedQueryNotSupported: "PERSISTED_QUERY_NOT_SUPPORTED",
        PersistedQueryNotFound: "PERSISTED_QUERY_NOT_FOUND",
        NotTrusted: "DOCUMENT_NOT_TRUSTED",
        WrongHash: BAD_INPUT,
        MissingQueryError: BAD_INPUT,
        CannotGetOperationTypeError: BAD_INPUT,
        InvalidOperationTypeError: BAD_INPUT,
    },
    noted=frozenset({"DOCUMENT_NOT_TRUSTED", "FORBIDDEN", "RATE_LIMITED", "VIEWER_CHANGED"}),
)

FAILURES = frozenset({INTERNAL, BUSY, UNAVAILABLE})
"""Codes of errors that say nothing of the request: sent again, it may be answered."""


def shown(result: ExecutionResult) -> dict[str, Any]:
    """A result as it goes to the client. There is no entry `data` if nothing was carried out."""
    if not result.errors:
        return {"data": result.data}
    errors = ERROR_CODES.describe(result.errors)
    if result.data is None and not any(error.path for error in result.errors):
        return {"errors": errors}
    return {"data": result.data, "errors": errors}


def has_failed(errors: list[dict[str, Any]]) -> bool:
    """Whether one of the errors is not the client's."""
    return any(error["extensions"]["code"] in FAILURES for error in errors)


def retry_after(errors: list[dict[str, Any]]) -> int | None:
    """The seconds after which a request that was over a budget may be sent again. None for any
    other request."""
    limited = [e["extensions"] for e in errors if e["extensions"]["code"] == RATE_LIMITED]
    return max((told.get("retryAfter", 1) for told in limited), default=None)

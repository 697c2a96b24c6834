"""The GraphQL schema. This file only assembles it."""

from datetime import date, datetime
from typing import Any

from strawberry.exceptions import MissingQueryError
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.tools import merge_types
from strawberry.types import ExecutionResult

from gql_app.access import Forbidden, OtherViewer, RateLimited, Unauthenticated
from gql_app.execution.compiled import CompiledExecutor
from gql_app.execution.documents import Documents, PersistedQueryNotSupported
from gql_app.execution.errors import ErrorCodes
from gql_app.execution.limits import TooComplex
from gql_app.execution.memory import Schema
from gql_app.schema.connections import PAGES
from gql_app.schema.moments import DATE, DATE_TIME
from gql_app.schema.moves import Moves
from gql_app.schema.mutations import Mutation
from gql_app.schema.nulls import let_nulls_be_defaults
from gql_app.schema.queries import Query
from gql_app.schema.subscriptions import Subscription
from gql_app.work.reads.conditions import BadInput
from models.database.sqlite_files import DatabaseLost
from models.event import Resync
from models.limits import Busy

ERROR_CODES = ErrorCodes(
    {
        OtherViewer: "VIEWER_CHANGED",
        Unauthenticated: "UNAUTHENTICATED",
        Forbidden: "FORBIDDEN",
        RateLimited: "RATE_LIMITED",
        TooComplex: "TOO_COMPLEX",
        BadInput: "BAD_USER_INPUT",
        Resync: "RESYNC_REQUIRED",
        DatabaseLost: "UNAVAILABLE",
        Busy: "BUSY",
        PersistedQueryNotSupported: "PERSISTED_QUERY_NOT_SUPPORTED",
        MissingQueryError: "BAD_USER_INPUT",
        CannotGetOperationTypeError: "BAD_USER_INPUT",
        InvalidOperationTypeError: "BAD_USER_INPUT",
    }
)


def build_schema() -> Schema:
    """The schema with its limits and a memory of its own."""
    schema: Schema = Schema(
        query=Query,
        mutation=merge_types("Mutation", (Mutation, Moves)),
        subscription=Subscription,
        extensions=[lambda: Documents(schema.memory.documents, PAGES)],
        execution_context_class=CompiledExecutor,
        config=StrawberryConfig(scalar_map={date: DATE, datetime: DATE_TIME}),
    )
    let_nulls_be_defaults(schema._schema)  # noqa: SLF001 - Strawberry has no way to say it
    return schema


FAILURES = frozenset({"INTERNAL", "BUSY"})
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


def schema_text() -> str:
    """The schema as schema.graphql keeps it."""
    return print_schema(build_schema()) + "\n"

"""Requests that several clients send alike, and the key that their group is found by."""

from typing import NamedTuple

import orjson

from gql_app.access import Scope
from gql_app.execution.request import GraphQLRequest
from gql_app.execution.sharing import Shareable
from gql_app.work.reads.conditions import BadInput


class Key(NamedTuple):
    """Everything that the results of a shared execution depend on: it is given nothing else."""

    scope: Scope
    query: str
    operation_name: str | None
    variables: str
    history: int


class SharedRequest(NamedTuple):
    """A request without its cursor.

    If it `begins_with_state`, each member is told first how things stand. `history` is a number
    from `Feeds.history`: once a practice's history is replaced, nothing from the old one is sent to
    those who ask later.
    """

    scope: Scope
    request: GraphQLRequest
    begins_with_state: bool
    history: int = 0

    @property
    def key(self) -> Key:
        """The key of its group. Raises `BadInput` for variables that cannot be encoded."""
        return Key(self.scope, *name_of(self.request), self.history)


def name_of(request: GraphQLRequest) -> tuple[str, str | None, str]:
    """What is the same of two requests that ask for the same. Raises `BadInput` for variables that
    cannot be encoded."""
    try:
        # Decoded, because orjson leaves each of its results in a block of four kilobytes.
        variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        raise BadInput("The variables are nested too deeply.") from None
    return request.query, request.operation_name, variables


class CursorApart(NamedTuple):
    """A request without its cursor, and the cursor."""

    request: GraphQLRequest
    cursor: str | None


def cursor_apart(
    request: GraphQLRequest, shape: Shareable, resume_after: str | None
) -> CursorApart | None:
    """Take the cursor out of a request; `resume_after`, if given, stands in for it. None if the
    cursor is missing or is no text: the schema says so when the request is executed."""
    variables = dict(request.variables or {})
    own = None
    if shape.cursor_variable is not None:
        own = variables.pop(shape.cursor_variable, None)
        if shape.cursor_required:
            variables[shape.cursor_variable] = ""  # the stream is told otherwise where it begins
    cursor = resume_after or own
    if not isinstance(cursor, str | None) or (shape.cursor_required and own is None):
        return None
    return CursorApart(GraphQLRequest(request.query, variables, request.operation_name), cursor)

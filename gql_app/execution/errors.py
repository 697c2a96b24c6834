"""Turns exceptions into errors for clients, and into log lines without patient data."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError

from gql_app.logs import SECURITY
from gql_app.logs.request import request_id

log = logging.getLogger(__name__)
security = logging.getLogger(SECURITY)

BAD_INPUT = "BAD_USER_INPUT"
"""The code of what is wrong with a request itself."""

INTERNAL = "INTERNAL"
"""The code of what nobody expected."""

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_PYTHON_WORD = re.compile(rf"{_QUOTED}|\b(?:None|True|False)\b")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}


class ErrorCodes:
    """Which exceptions are expected, and the `extensions.code` of each. All others are masked.
    Those with a code of `noted` are security events."""

    def __init__(
        self, codes: Mapping[type[Exception], str], noted: frozenset[str] = frozenset()
    ) -> None:
        self._codes = codes
        self._noted = noted

    @property
    def all(self) -> set[str]:
        """Every code that an error may have."""
        return {*self._codes.values(), BAD_INPUT, INTERNAL}

    def describe(self, errors: Iterable[GraphQLError]) -> list[dict[str, Any]]:
        """The errors as they go to the client.

        An unexpected one is answered with `INTERNAL` and a correlation id. Its type and where it
        was raised are logged under that id, but never its text, which may have patient data.
        """
        return [self._describe(error) for error in errors]

    def request_error(self, error: BaseException) -> dict[str, Any]:
        """An error of the request as a whole, before anything was executed."""
        if isinstance(error, GraphQLError):
            return self._describe(error)
        cause = error if isinstance(error, Exception) else None
        return self._describe(GraphQLError(str(error), original_error=cause))

    def _describe(self, error: GraphQLError) -> dict[str, Any]:
        cause = error.original_error
        while isinstance(cause, GraphQLError) and cause.original_error is not None:
            cause = cause.original_error
        formatted: dict[str, Any] = dict(error.formatted)
        if cause is None or isinstance(cause, GraphQLError):
            code = BAD_INPUT
            formatted["message"] = _in_clients_words(error.message)
        else:
            code = next((c for t, c in self._codes.items() if isinstance(cause, t)), INTERNAL)
        if code in self._noted:
            security.warning(code.lower())
        if code != INTERNAL:
            formatted["extensions"] = {**formatted.get("extensions", {}), "code": code}
            if (seconds := getattr(cause, "retry_after", None)) is not None:
                formatted["extensions"]["retryAfter"] = seconds
            return formatted
        correlation_id = request_id()
        log.error("internal error %s: %s", correlation_id, _where(cause))
        formatted["message"] = "Something went wrong on our side."
        formatted["extensions"] = {"code": INTERNAL, "correlationId": correlation_id}
        return formatted


def _in_clients_words(message: str) -> str:
    """A message of graphql-core, with null, true and false in place of Python's words. What is
    quoted came from the client, and stays as it is."""
    return _PYTHON_WORD.sub(lambda found: _JSON_WORDS.get(found[0], found[0]), message)


def _where(error: BaseException | None) -> str:
    trace = error.__traceback__ if error is not None else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"

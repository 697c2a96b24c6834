"""How a request over HTTP is refused as a whole."""

import orjson
from starlette.responses import Response

from gql_app.access import Forbidden, OtherViewer, RateLimited, Unauthenticated
from gql_app.execution.persisted import (
    NotTrusted,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    WrongHash,
)
from gql_app.schema.errors import ERROR_CODES
from gql_app.web.accepting import JSON, RESPONSE, Accepted
from gql_app.work.reads.conditions import BadInput
from models.database.sqlite_files import DatabaseLost
from models.limits import Busy


class TooLarge(BadInput):
    """A body over `MAX_BODY`."""


class NotPost(BadInput):
    """A request by another method."""


class NotAcceptable(BadInput):
    """A client that takes an answer in no form that there is."""


class PersistedQueryByGet(PersistedQueryNotSupported):
    """A document was asked for by GET and its hash: the client sends all of it by POST next."""


class NotJson(BadInput):
    """A body that does not say it is JSON: with it, browsers ask before another site may post."""


_STATUS: dict[type[Exception], tuple[int, dict[str, str]]] = {
    BadInput: (400, {}),
    PersistedQueryNotSupported: (400, {}),
    PersistedQueryNotFound: (400, {}),
    NotTrusted: (400, {}),
    WrongHash: (400, {}),
    Unauthenticated: (401, {"WWW-Authenticate": "Bearer"}),
    OtherViewer: (401, {"WWW-Authenticate": "Bearer"}),
    Forbidden: (403, {}),
    NotPost: (405, {"Allow": "POST"}),
    PersistedQueryByGet: (405, {"Allow": "POST"}),
    NotAcceptable: (406, {}),
    TooLarge: (413, {}),
    NotJson: (415, {}),
    RateLimited: (429, {}),
    DatabaseLost: (503, {}),
    Busy: (503, {}),
}

OLDER_LOOK = (PersistedQueryNotSupported, PersistedQueryNotFound)
"""What clients of persisted queries act on."""


def refusal(error: Exception, accepted: Accepted | None = None) -> Response:
    """What is not expected is masked and logged."""
    media_type = (accepted or Accepted()).best((JSON, RESPONSE))
    status, headers = _STATUS.get(type(error), (500, {}))
    if (seconds := getattr(error, "retry_after", None)) is not None:
        headers = {**headers, "Retry-After": str(seconds)}
    if type(error) in OLDER_LOOK and media_type == JSON:
        status = 200  # older clients look for errors in JSON behind no other status
    body = orjson.dumps({"errors": [ERROR_CODES.request_error(error)]})
    return Response(body, status, headers, media_type or JSON)

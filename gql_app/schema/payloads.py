"""What a mutation hands back: what it has changed, or why it was refused."""

from typing import NamedTuple

import strawberry

from gql_app.schema.enums import RefusalCode
from gql_app.work.outcomes import ChangeResult
from gql_app.work.reads.conditions import BadInput, storable
from models.lifecycle import Refusal

MAX_IDEMPOTENCY_KEY = 200


@strawberry.type(description="Why a request was refused. Nothing was changed.")
class UserError:
    code: RefusalCode
    message: str
    field: list[str] | None = strawberry.field(description="The argument to mend, if it is one.")


class ErrorRow(NamedTuple):
    code: RefusalCode
    message: str
    field: list[str] | None


def error_row(refusal: Refusal, *under: str) -> ErrorRow:
    """The source of a `UserError`; `under` is the path to where the refused field stands."""
    field = None if refusal.field is None else [*under, refusal.field]
    return ErrorRow(refusal.code, refusal.message, field)


class Payload:
    """A payload's source: an outcome in the schema's words."""

    def __init__(self, outcome: ChangeResult, fields_under: str | None = None) -> None:
        self.task = outcome.task
        self.contact = outcome.contact
        self.late = outcome.late
        self.errors = [
            error_row(refusal, *(() if fields_under is None else (fields_under,)))
            for refusal in outcome.refusals
        ]


def checked_key(key: str | None) -> str | None:
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY:
        raise BadInput(f"idempotencyKey has 1 to {MAX_IDEMPOTENCY_KEY} characters.")
    return storable(key)

"""What a mutation hands back: what it has changed, or why it was refused."""

from typing import NamedTuple

import strawberry

from gql_app.schema.enums import RefusalCode
from gql_app.work.outcomes import ChangeResult
from models.lifecycle import Refusal


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

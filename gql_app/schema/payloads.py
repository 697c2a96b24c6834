"""What mutations give back: the rows that they changed, or why they were refused."""

from typing import NamedTuple

import strawberry

from gql_app.schema.enums import RefusalCode
from gql_app.work.results import ChangeResult
from models.refusals import Refusal


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
    field = None if refusal.field is None else [*under, *refusal.under, refusal.field]
    return ErrorRow(refusal.code, refusal.message, field)


class Payload:
    """The source of a payload: the result of a change, and its refusals as user errors."""

    def __init__(self, result: ChangeResult, fields_under: str | None = None) -> None:
        self.task = result.task
        self.contact = result.contact
        self.late = result.late
        self.others = [*result.others]
        self.appointment = result.appointment
        self.closed_tasks = [*result.needless]
        self.reason = None if result.nothing is None else result.nothing.reason
        self.next_at = None if result.nothing is None else result.nothing.next_at
        self.reasons = [] if result.nothing is None else [*result.nothing.reasons]
        self.warnings = [*result.warnings]
        self.errors = [
            error_row(refusal, *(() if fields_under is None else (fields_under,)))
            for refusal in result.refusals
        ]

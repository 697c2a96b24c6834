"""Refusals, as payloads show them."""

from typing import NamedTuple

import strawberry

from gql_app.schema.enums import RefusalCode
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
    field = None if refusal.field is None else [*under, refusal.field]
    return ErrorRow(refusal.code, refusal.message, field)

"""The scalars Date and DateTime, with refusals that a client understands; and the check of a
moment."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.schema.types.base_scalars import DateDefinition, DateTimeDefinition

from gql_app.work.reads.conditions import BadInput


def _parse(value: Any) -> datetime:
    assert DateTimeDefinition.parse_value is not None
    try:
        moment: datetime = DateTimeDefinition.parse_value(value)
    except OverflowError:  # "9999-12-31T24:00:00Z" is the year 10000
        raise BadInput("The moment lies past the calendar.") from None
    except GraphQLError:
        raise _refusal("moment", "2026-12-24T17:00:00Z", value) from None
    return moment


def _parse_date(value: Any) -> date:
    assert DateDefinition.parse_value is not None
    try:
        day: date = DateDefinition.parse_value(value)
    except GraphQLError:
        raise _refusal("date", "2026-12-24", value) from None
    return day


def _refusal(what: str, example: str, value: Any) -> GraphQLError:
    return GraphQLError(f"A {what} is a text such as {example}, not {json.dumps(value)}.")


def _serialize(moment: datetime) -> str:
    """Give the same text as `isoformat`, in a third of its time: each row that is shown has one."""
    return orjson.dumps(moment)[1:-1].decode() if moment.tzinfo is UTC else moment.isoformat()


LAST_YEAR = 2999

DATE = replace(DateDefinition, parse_value=_parse_date)
DATE_TIME = replace(DateTimeDefinition, parse_value=_parse, serialize=_serialize)


def checked_moment(moment: datetime | None, name: str) -> datetime | None:
    """Return the moment if it can be kept and compared. Raises `BadInput`."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise BadInput(f"{name} needs its offset from UTC, such as 2026-12-24T17:00:00Z.")
    # At the calendar's ends a moment has no date in some time zones.
    if not 1900 <= moment.year <= LAST_YEAR:
        raise BadInput(f"{name} lies between the years 1900 and {LAST_YEAR}.")
    return moment

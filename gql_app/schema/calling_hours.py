"""Calling hours: when the practice's patients may be called, as it is shown and as it is set."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import strawberry

from gql_app.schema.enums import ClaimWarning as ClaimWarningCode
from gql_app.schema.enums import Weekday
from gql_app.work.results import Warned
from models.hours_text import Holiday as HolidayRow
from models.hours_text import OpenOn


@strawberry.type(description="When patients may be called on a weekday.")
class CallingHours:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, OpenOn)

    weekday: Weekday
    opens: time = strawberry.field(description="From when on, by the practice's clocks.")
    closes: time = strawberry.field(description="Until when; not at that time any more.")


@strawberry.type(description="A day on which nobody is called.")
class Holiday:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, HolidayRow)

    date: date
    name: str | None = strawberry.field(
        description="What it is called; null if nobody has said.", default=None
    )


@strawberry.input(description="When patients may be called on a weekday.")
class CallingHoursInput:
    weekday: Weekday
    opens: time = strawberry.field(description="From when on, in whole minutes.")
    closes: time = strawberry.field(description="Until when, later than `opens`.")


@strawberry.input(description="A day on which nobody is called.")
class HolidayInput:
    date: date
    name: str | None = strawberry.field(default=None, description="At most 100 characters.")


@strawberry.type(description="What to know about a claim that was made all the same.")
class ClaimWarning:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, Warned)

    code: ClaimWarningCode
    message: str


def as_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a practice as they were sent, with the values that are checked."""
    values = dict(given)
    if values.get("calling_hours"):
        hours = values["calling_hours"]
        values["calling_hours"] = [OpenOn(one.weekday, one.opens, one.closes) for one in hours]
    if values.get("holidays"):
        values["holidays"] = [HolidayRow(one.date, one.name) for one in values["holidays"]]
    return values

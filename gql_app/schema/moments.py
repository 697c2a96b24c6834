"""The DateTime scalar, which refuses what lies past the calendar instead of failing on it."""

from dataclasses import replace
from datetime import datetime

from strawberry.schema.types.base_scalars import DateTimeDefinition

from gql_app.work.reading import BadInput


def _parse(value: str) -> datetime:
    assert DateTimeDefinition.parse_value is not None
    try:
        moment: datetime = DateTimeDefinition.parse_value(value)
    except OverflowError:  # "9999-12-31T24:00:00Z" is the year 10000
        raise BadInput("The moment lies past the calendar.") from None
    return moment


DATE_TIME = replace(DateTimeDefinition, parse_value=_parse)

"""The time zone that a telephone number tells, if it tells one.

An area code may lie in several zones, and a mobile or a free number in all of its country's: these
tell none. Nobody knows where a mobile is now, so what a number tells is only when not to call.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import phonenumbers
from phonenumbers import NumberParseException

LONGEST = 9
"""Digits of the longest prefix in the table."""

SEVERAL = "-"
"""Stands for several zones in the table."""


def zone_of_number(number: str) -> str | None:
    """The zone of a number in E.164, such as +12175550123. None if it tells several or none, and
    for what is no number of any country."""
    if not number.startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return None
    kind = phonenumbers.number_type(parsed)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        return None
    country = parsed.country_code or 0
    is_of_place = phonenumbers.is_number_type_geographical(kind, country)
    return zone_of_prefix(number[1:] if is_of_place else str(country), _table())


def zone_of_prefix(digits: str, table: Mapping[str, str]) -> str | None:
    """What the longest prefix of the digits that is in the table tells."""
    for length in range(min(LONGEST, len(digits)), 0, -1):
        if (zone := table.get(digits[:length])) is not None:
            return None if zone == SEVERAL else zone
    return None


@cache
def _table() -> dict[str, str]:
    lines = (files("models") / "phone_zones.txt").read_text("ascii").splitlines()
    rows = (line.split(" ") for line in lines if not line.startswith("#"))
    return {prefix: zone for zone, *prefixes in rows for prefix in prefixes}

"""The time zone that a telephone number tells, if it tells one."""

from zoneinfo import ZoneInfo

import pytest

from models.phone_zones import SEVERAL, _table, zone_of_number


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+12175550123", "America/Chicago"),
        ("+13105550123", "America/Los_Angeles"),
        ("+18085550123", "Pacific/Honolulu"),
        ("+12085550123", None),  # Idaho: in two zones
        ("+12083155501", None),  # a part of Idaho that is in two as well
        ("+18005550123", None),  # a free number
        ("+4930231250", "Europe/Berlin"),
        ("+4915112345678", "Europe/Berlin"),  # a mobile, in a country with one zone
        ("+61412345678", None),  # a mobile that begins like the numbers of a place
        ("+447700900123", None),  # a mobile, in a country with islands that have their own
        ("+442071234567", "Europe/London"),
        ("+61255501234", "Australia/Sydney"),
        ("+49301", None),  # too short to be a number of the one zone's country
        ("5550100", None),
        ("+999", None),
        ("", None),
    ],
)
def test_a_number_tells_a_zone_or_none(number: str, zone: str | None) -> None:
    assert zone_of_number(number) == zone


def test_all_zones_of_the_table_are_there() -> None:
    zones = {*_table().values()} - {SEVERAL}
    assert len(zones) > 200
    for zone in zones:
        ZoneInfo(zone)

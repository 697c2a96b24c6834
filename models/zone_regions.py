"""The region in which a time zone is, as IANA's table `zone.tab` tells it."""

from functools import cache
from importlib.resources import files

from models.checks import is_region

ELSEWHERE = "US"
"""The region of zones that are in none, such as UTC, and of other zones' older names."""


def region_of_zone(zone: str) -> str:
    """The region whose people probably live by this zone."""
    region = _regions().get(zone, ELSEWHERE)
    return region if is_region(region) else ELSEWHERE


@cache
def _regions() -> dict[str, str]:
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines()
    cells = (line.split("\t") for line in lines if not line.startswith("#"))
    return {zone: region for region, _, zone, *_ in cells}

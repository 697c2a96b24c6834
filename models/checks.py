"""Values that people enter for a practice, a queue or a key: whether each can be used, and if not,
what was probably meant."""

import difflib
import re
import unicodedata
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from tortoise.exceptions import ValidationError
from tortoise.validators import Validator

from models.refusals import RefusalCode
from models.text import trimmed

MAX_SLUG = 64
MAX_NAME = 200
"""Longest name of a practice, a queue, a patient or one of the staff, in characters."""

NO_ZONES = {"Factory", "localtime", "posixrules"}
"""Files among those of time zones that are not time zones of a place."""

MEANT = {
    "UK": "GB",
    "EN": "GB",
    "GBR": "GB",
    "EL": "GR",
    "USA": "US",
    "CAN": "CA",
    "DEU": "DE",
    "GER": "DE",
    "AUS": "AU",
    "FRA": "FR",
    "ESP": "ES",
    "IRL": "IE",
    "IND": "IN",
    "MEX": "MX",
}
"""What people write for some regions, and their codes in ISO 3166."""


class BadValue(Exception):
    """A value cannot be used; the message is one clear line. `code` says why, for programs, and
    `at` is the path to what is wrong within the value, if it has parts."""

    def __init__(
        self,
        message: str,
        code: RefusalCode = RefusalCode.TEXT_INVALID,
        at: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.at = at


def checked_slug(slug: str, of: str = "practice") -> str:
    """The slug `of` a practice, or of something else. Raises `BadValue`."""
    if len(slug) > MAX_SLUG or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise BadValue(
            f"{slug!r} cannot be a {of}'s short name: it has 1 to {MAX_SLUG} of the characters"
            " a to z, 0 to 9 and -, such as maple-street",
            RefusalCode.SLUG_INVALID,
        )
    return slug


def checked_name(what: str, name: str) -> str:
    """The name without what cannot be seen around it; `what` is called so. Raises `BadValue`."""
    name = trimmed(name)
    if not name:
        raise BadValue(f"{what} is empty", RefusalCode.NAME_REQUIRED)
    if len(name) > MAX_NAME:
        raise BadValue(
            f"{what} has {len(name):,} characters; at most {MAX_NAME} are kept",
            RefusalCode.TEXT_TOO_LONG,
        )
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise BadValue(f"{what} {name!r} has a character that cannot be shown")
    return name


def checked_url(what: str, url: str) -> str:
    """The address of a server, without a slash at its end; `what` is called so. Raises
    `BadValue`."""
    url = url.strip().rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+", url):
        raise BadValue(f"{what} is a server's address, such as https://calls.example, not {url!r}")
    return url


def checked_email(what: str, address: str) -> str:
    """The address in small letters; `what` is called so. Raises `BadValue`."""
    address = address.strip().lower()
    is_kept = len(address) <= 254 and address.isprintable()
    if not (is_kept and re.fullmatch(r"[^\s@]+@[^\s@]+", address)):
        raise BadValue(f"{what} is an e-mail address, not {address!r}", RefusalCode.EMAIL_INVALID)
    return address


def checked_queues(names: list[str]) -> list[str]:
    """Names for a practice's queues, each of them once. Raises `BadValue`."""
    names = [checked_name("--queue", name) for name in names]
    folded = [name.casefold() for name in names]
    if twice := [name for name in names if folded.count(name.casefold()) > 1]:
        raise BadValue(f"two queues would be called {twice[0]!r}", RefusalCode.NAME_TAKEN)
    return names


def checked_time_zone(name: str) -> str:
    """The time zone's name, as IANA spells it. Raises `BadValue`."""
    zones = _zones()
    if name in zones:
        return name
    raise BadValue(
        f"{name!r} is no time zone{_perhaps(_zone_like(name, zones))}",
        RefusalCode.TIME_ZONE_INVALID,
    )


def checked_region(region: str) -> str:
    """The region's code. Raises `BadValue`."""
    code = region.strip().upper()
    if is_region(code):
        return code
    raise BadValue(
        f"{region!r} is no region: ISO 3166 has two letters for each, such as US"
        f"{_perhaps(MEANT.get(code))}",
        RefusalCode.REGION_INVALID,
    )


def is_region(code: str) -> bool:
    """Whether phonenumbers knows a region with this code."""
    return code in phonenumbers.SUPPORTED_REGIONS


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of this name. If there is, the answer is cheap."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, not a name at all, a folder
        return False
    return True


class IsTimeZone(Validator):
    """A column that holds the name of a time zone."""

    def __call__(self, value: str) -> None:
        if not is_time_zone(value):
            raise ValidationError(f"{value!r} is no time zone")


class IsRegion(Validator):
    """A column that holds the code of a region."""

    def __call__(self, value: str) -> None:
        if not is_region(value):
            raise ValidationError(f"{value!r} is no region")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - NO_ZONES)


def _zone_like(name: str, zones: frozenset[str]) -> str | None:
    """The zone that was probably meant: it differs in case or in spaces, has the same city, or is
    spelled nearly the same."""
    spellings = {zone.casefold(): zone for zone in sorted(zones)}
    typed = re.sub(r"\s+", "_", name.strip().casefold())
    cities = {
        spelling.rpartition("/")[2]: zone for spelling, zone in spellings.items() if "/" in zone
    }
    if found := spellings.get(typed) or cities.get(typed):
        return found
    near = difflib.get_close_matches(typed, spellings, n=1, cutoff=0.75)
    return spellings[near[0]] if near else None


def _perhaps(meant: str | None) -> str:
    return f"; did you mean {meant}?" if meant else ""

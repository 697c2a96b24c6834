"""A telephone number as one value: as it is stored, shown, dialled and found."""

import re
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from models.names import MAX_WORD
from models.phone_parsing import digits_of, is_one_number, plain, split_extension
from models.phone_zones import zone_of_number

MAX_TYPED = 100
"""The most characters that may be typed for a number."""

MAX_STORED = 40

BACKWARDS = "<"
"""Stands before the digits of a telephone number that are written from the last to the first. No
word of a name begins with it."""


class PhoneKind(StrEnum):
    HOME = "HOME"
    MOBILE = "MOBILE"
    WORK = "WORK"
    OTHER = "OTHER"


class Phone(NamedTuple):
    """A telephone number. `number` is in E.164, or only the digits of a text that is no number of
    any country. `display` is how people of the practice's country write it. `digits` are the forms
    it is found by: with the country's code, and for another country's number also without."""

    number: str
    extension: str | None
    display: str
    digits: frozenset[str] = frozenset()
    kind: PhoneKind | None = None
    is_wrong: bool = False

    @property
    def href(self) -> str:
        """The link that dials the number, as in RFC 3966."""
        return f"tel:{self.stored}"

    @property
    def stored(self) -> str:
        """The number as the database keeps it, such as "+12175550123;ext=45"."""
        return self.number + (f";ext={self.extension}" if self.extension else "")

    @property
    def time_zone(self) -> str | None:
        """The time zone that the number tells, if it tells one."""
        return zone_of_number(self.number)

    @property
    def words(self) -> set[str]:
        """The words that a patient is found by. People know the last four digits of a number,
        without its extension, so one word is written backwards."""
        forwards = {digits[:MAX_WORD] for digits in self.digits}
        return {*forwards, backwards(digits_of(self.number))} if forwards else set()


def backwards(digits: str) -> str:
    """Return the word by which a telephone number that ends with `digits` is found."""
    return (BACKWARDS + digits[::-1])[:MAX_WORD]


def read_phone(text: str, region: str) -> Phone | None:
    """Read the number that `text` means in `region`, a country's two letters. None if it cannot be
    called, or may be something else: two numbers, a date, a number from a spreadsheet."""
    if len(text) > MAX_TYPED:
        return None
    written, extension = split_extension(plain(text).strip())
    if not is_one_number(written):
        return None
    number = _parsed(written, region)
    if number is None:
        return None
    is_own = number.country_code == phonenumbers.country_code_for_region(region)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    display = (
        national if is_own else phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    )
    significant = phonenumbers.national_significant_number(number)
    e164 = f"+{number.country_code}{significant}"
    digits = {e164[1:]} if is_own else {e164[1:], significant, digits_of(national)}
    if extension:
        display += f" ext. {extension}"
    phone = Phone(e164, extension, display, frozenset(digits))
    return phone if len(phone.stored) <= MAX_STORED else None


def any_phone(text: str, region: str) -> Phone:
    """Read a text that is in the database already. If it is not a number, the text is shown as it
    is and found by its digits."""
    if phone := read_phone(text, region):
        return phone
    written, extension = split_extension(plain(text))
    digits = digits_of(written)
    return Phone(digits, extension, text, frozenset((digits,)) - {""})


def stored_phone(stored: str, display: str) -> Phone | None:
    """Read a number as the database keeps it, or as somebody has written it there. None if it has
    no digits to dial. `display` is how it is shown."""
    number, extension = split_extension(plain(stored))
    digits = re.sub("[^0-9]", "", number)
    plus = "+" if number.startswith("+") else ""
    return Phone(plus + digits, extension, display) if digits else None


def meant_numbers(typed: str, region: str) -> list[str]:
    """Return words for a number that was typed in `region`, or for its first or last digits: a
    patient is found if a word of the patient's begins with one of them. Empty without digits."""
    text = plain(typed)
    if is_international := bool(re.match(r"\W*(\+|00)", text)):
        text = text.replace("(0)", "")  # +49 (0)30: it is not dialled from abroad
    digits = digits_of(text)
    if not digits:
        return []
    found = [digits, backwards(digits)]
    if phone := read_phone(typed, region):
        found.append(phone.number[1:])
    elif abroad := _without_prefix(digits, region):
        found.append(abroad)
    elif not is_international:
        found += _with_country_code(digits, region)
    return list(dict.fromkeys(found))


def without_extension(typed: str) -> str:
    """Return what was typed to find somebody, without an extension and the scheme of a link."""
    return split_extension(typed)[0]


def looks_dialled(word: str) -> bool:
    """Whether a word that was typed has only digits and what stands between them."""
    return not set(plain(word)) - set("0123456789+-./()[]")


def _parsed(text: str, region: str) -> PhoneNumber | None:
    """Return the number in a text, None if it cannot be called."""
    digits = digits_of(text)
    attempts = [f"+{digits}" if "+" in text else digits]
    if digits.startswith("00"):  # many write this for +, whatever their country's own prefix is
        attempts.append("+" + digits[2:])
    for attempt in attempts:
        try:
            number = phonenumbers.parse(attempt, region)
        except NumberParseException:
            continue
        # The region's numbers first: that is enough for nearly all, and half the work.
        if phonenumbers.is_valid_number_for_region(number, region) or phonenumbers.is_valid_number(
            number
        ):
            return number
    return None


def _without_prefix(digits: str, region: str) -> str:
    """Return what follows the region's prefix for calls abroad, or 00. Empty if there is none."""
    metadata = PhoneMetadata.metadata_for_region(region)
    for prefix in (metadata.international_prefix if metadata else None, "00"):
        if prefix and (found := re.match(prefix, digits)):
            return digits[found.end() :]
    return ""


def _with_country_code(digits: str, region: str) -> list[str]:
    """Return the first digits of a number in the region after its country's code, both with and
    without what is only dialled within the country, such as a zero."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return []
    trunk = metadata.national_prefix or ""
    return [f"{metadata.country_code}{d}" for d in (digits, digits.removeprefix(trunk)) if d]

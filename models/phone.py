"""A telephone number as one value: as it is stored, shown, dialled and found."""

import re
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from models.names import MAX_WORD
from models.phone_forms import digits_of, is_one_number, plain, split_extension

MAX_TYPED = 100
"""How much may be typed for a number, in characters."""

MAX_STORED = 40

BACKWARDS = "<"
"""Before the digits of a telephone number that are read from the last to the first. No word of a
name begins with it."""


class PhoneKind(StrEnum):
    HOME = "HOME"
    MOBILE = "MOBILE"
    WORK = "WORK"
    OTHER = "OTHER"


class Phone(NamedTuple):
    """`number` is in E.164, or the mere digits of a text that is no number of any country.
    `display` is what people of the practice's country write. `digits` are the forms that it is
    found by: with the country's code, and a number of another country without it too."""

    number: str
    extension: str | None
    display: str
    digits: frozenset[str] = frozenset()
    kind: PhoneKind | None = None

    @property
    def href(self) -> str:
        """The link that dials it, as in RFC 3966."""
        return f"tel:{self.stored}"

    @property
    def stored(self) -> str:
        """What is kept of it: "+12175550123;ext=45"."""
        return self.number + (f";ext={self.extension}" if self.extension else "")

    @property
    def words(self) -> set[str]:
        """The words that a patient is found by. People know the last four digits, of the number and
        not of the extension, so one word is read backwards."""
        forwards = {digits[:MAX_WORD] for digits in self.digits}
        return {*forwards, backwards(digits_of(self.number))} if forwards else set()


def backwards(digits: str) -> str:
    """The word that stands for a telephone number that ends with `digits`."""
    return (BACKWARDS + digits[::-1])[:MAX_WORD]


def read_phone(text: str, region: str) -> Phone | None:
    """The number that is meant in `region`, a country's two letters. None if nobody can be called
    by it, or if it may be something else: two numbers, a date, a number of a spreadsheet."""
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
    """The number in a text that is there already. If it is none, the text is shown as it is and
    found by its digits."""
    if phone := read_phone(text, region):
        return phone
    written, extension = split_extension(plain(text))
    digits = digits_of(written)
    return Phone(digits, extension, text, frozenset((digits,)) - {""})


def stored_phone(stored: str, display: str) -> Phone | None:
    """The number that was stored in this form, or written by hand; None if nothing can be dialled.
    `display` is how it is shown."""
    number, extension = split_extension(plain(stored))
    digits = re.sub("[^0-9]", "", number)
    plus = "+" if number.startswith("+") else ""
    return Phone(plus + digits, extension, display) if digits else None


def meant_numbers(typed: str, region: str) -> list[str]:
    """The words of which a patient's must begin with one, if `typed` is a number in `region` or
    a part of one: its first digits or its last ones. Empty if it has no digits."""
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
    """What was typed to find somebody, up to an extension and without the scheme of a link."""
    return split_extension(typed)[0]


def looks_dialled(word: str) -> bool:
    """Whether a word that was typed has digits and what stands between them, and nothing else."""
    return not set(plain(word)) - set("0123456789+-./()[]")


def _parsed(text: str, region: str) -> PhoneNumber | None:
    """The number, if one can be called by it."""
    digits = digits_of(text)
    attempts = [f"+{digits}" if "+" in text else digits]
    if digits.startswith("00"):  # how many write +, whatever the country's own prefix is
        attempts.append("+" + digits[2:])
    for attempt in attempts:
        try:
            number = phonenumbers.parse(attempt, region)
        except NumberParseException:
            continue
        # Of the region first: for nearly all that is half of the work.
        if phonenumbers.is_valid_number_for_region(number, region) or phonenumbers.is_valid_number(
            number
        ):
            return number
    return None


def _without_prefix(digits: str, region: str) -> str:
    """What follows the region's prefix for calls abroad, or 00. Empty if it does not begin so."""
    metadata = PhoneMetadata.metadata_for_region(region)
    for prefix in (metadata.international_prefix if metadata else None, "00"):
        if prefix and (found := re.match(prefix, digits)):
            return digits[found.end() :]
    return ""


def _with_country_code(digits: str, region: str) -> list[str]:
    """How the first digits of a number in the region go on from its country's code: with and
    without what is only dialled within the country, such as a zero."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return []
    trunk = metadata.national_prefix or ""
    return [f"{metadata.country_code}{d}" for d in (digits, digits.removeprefix(trunk)) if d]

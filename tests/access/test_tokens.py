"""What keys look like: scanners of secrets find them, and know them without asking."""

import re
import zlib

import pytest

from gql_app.access import KeyLookup, Unauthenticated, authenticate, digest, lookup
from gql_app.access.tokens import ALPHABET, KEY, SESSION, checksum, new_key, practice_of
from models.access import AccessKey
from tests.office import Office

PATTERN = re.compile(r"\bcallboard_key_[0-9]{1,18}_[0-9A-Za-z]{49}\b")
"""As docs/operations.md has it."""


def test_a_key_can_be_found_in_a_text_and_checked_by_itself() -> None:
    keys = {new_key(7) for _ in range(20)}
    assert len(keys) == 20
    for key in keys:
        assert PATTERN.findall(f'export CALLBOARD_KEY="{key}"\n') == [key]
        assert practice_of(key, KEY) == 7
        number = 0
        for character in key[-6:]:
            number = number * 62 + ALPHABET.index(character)
        assert number == zlib.crc32(key[:-6].encode())


def test_a_slip_of_one_character_is_known_to_be_no_key() -> None:
    key = new_key(7)
    for place in range(len("callboard_key_"), len(key)):
        other = "x" if key[place] != "x" else "y"
        assert practice_of(key[:place] + other + key[place + 1 :], KEY) is None, place


def test_a_checksum_has_six_characters_whatever_it_is_of() -> None:
    assert {len(checksum(str(number))) for number in range(1_000)} == {6}


def test_the_kinds_of_tokens_do_not_stand_in_for_each_other() -> None:
    key = new_key(7)
    assert practice_of(key, SESSION) is None
    assert practice_of("cs_7_secret", KEY) is None
    assert practice_of("cs_7_secret", SESSION) == 7
    assert practice_of("cb_7_secret", KEY) == 7, "as they were before they had a checksum"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_of_the_old_form_stays_valid(office: Office) -> None:
    old = f"cb_{office.practice.id}_as-it-was-before"
    await AccessKey.filter(id=office.staff.key_id).update(digest=digest(old))
    assert await authenticate(old) == office.staff


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_has_no_checksum_is_refused_without_a_look(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(*_: object) -> list[object]:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(lookup, "fetch", fetch)
    guess = f"callboard_key_{office.practice.id}_{'x' * 49}"
    with pytest.raises(Unauthenticated):
        await KeyLookup(office.clock).authenticate(guess)

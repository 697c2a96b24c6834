"""The language of a patient, a note for the caller, and the numbers as they are kept."""

import pytest

from models.patient_details import MAX_CALLER_NOTE, read_caller_note, read_language
from models.patient_phones import (
    MOST_OTHERS,
    MOST_WRONG,
    Kept,
    phones_of,
    read_kept,
    read_wrong,
    with_number,
    wrong_text,
)
from models.phone import Phone, PhoneKind, any_phone
from models.refusals import Refusal, RefusalCode


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        ("es", "es"),
        (" PT-br ", "pt-BR"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-CH-1996", "de-CH-1996"),
        ("Spanish", "es"),
        ("Französisch", "fr"),
        ("", None),
        ("  ", None),
    ],
)
def test_a_language_is_kept_as_the_standard_writes_it(typed: str, tag: str | None) -> None:
    assert read_language(typed) == tag


@pytest.mark.parametrize(
    "typed",
    ["Klingon", "e", "es-", "es--MX", "12", "es-MX-" + "x" * 40, "es" + "-variants" * 4, "ñ"],
)
def test_another_language_is_refused(typed: str) -> None:
    refused = read_language(typed)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == (RefusalCode.LANGUAGE_INVALID, "language")


def test_a_note_for_the_caller_is_bounded() -> None:
    assert read_caller_note("  call the daughter ") == "call the daughter"
    assert read_caller_note(" ") is None
    assert read_caller_note("x" * MAX_CALLER_NOTE) == "x" * MAX_CALLER_NOTE
    refused = read_caller_note("x" * (MAX_CALLER_NOTE + 1))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == (RefusalCode.TEXT_TOO_LONG, "callerNote")


def test_each_number_is_there_once_with_its_kind_and_whether_it_is_wrong() -> None:
    own = Kept("+12175550123", "(217) 555-0123", PhoneKind.MOBILE)
    others = '[["+12175550143","(217) 555-0143","WORK"],["+12175550123","again",null]]'
    merged = '[["+12175550163","(217) 555-0163"],["+12175550183","(217) 555-0183",true]]'
    phones = phones_of(own, others, merged, wrong_text(["+12175550143"]))
    assert [(p.number[-4:], p.kind, p.is_wrong) for p in phones] == [
        ("0123", PhoneKind.MOBILE, False),
        ("0143", PhoneKind.WORK, True),
        ("0163", None, False),
        ("0183", None, True),
    ]


def test_one_more_number_is_kept_if_it_is_new_and_there_is_room() -> None:
    def phone(last: int) -> Phone:
        return any_phone(f"+1217555{last:04}", "US")

    own, text = phone(123), None
    for last in range(200, 200 + MOST_OTHERS):
        assert with_number(text, own, own.stored) == text
        text = with_number(text, phone(last), own.stored)
        assert [one.number for one in read_kept(text)][-1] == phone(last).stored
        assert with_number(text, phone(200), own.stored) == text
        assert with_number(text, None, own.stored) == text
    assert with_number(text, phone(300), own.stored) == text


def test_the_last_wrong_numbers_are_remembered() -> None:
    numbers = [str(number) for number in range(MOST_WRONG + 5)]
    assert read_wrong(wrong_text(numbers)) == numbers[5:]
    assert wrong_text([]) is None
    assert read_wrong(None) == []

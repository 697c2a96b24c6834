"""What a patient is found by: the words of the name and the digits of the telephone number."""

import pytest

from models.people import MAX_WORD, name_words, search_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Amber Testwell", ["amber", "testwell"]),
        ("  Zoë   MÜLLER ", ["zoe", "muller"]),
        ("Zoe\u0308", ["zoe"]),
        ("O'Brien", ["obrien"]),
        ("O\u2019Brien", ["obrien"]),
        ("Smith-Jones, Jr.", ["smith", "jones", "jr"]),
        ("Straße", ["strasse"]),
        ("ΣΟΦΟΣ", ["σοφοσ"]),
        ("\ufb01ona", ["fiona"]),
        ("\u674e\u660e", ["\u674e\u660e"]),
        ("snake_case", ["snake", "case"]),
        ("a\0b \ud800", ["a", "b"]),
        ("- ?!", []),
        ("", []),
    ],
)
def test_a_names_words_are_without_accents_and_capitals(name: str, words: list[str]) -> None:
    assert name_words(name) == words


@pytest.mark.parametrize("phone", ["(217) 555-0100", "217 555 0100", "\uff12\uff11\uff17.555.0100"])
def test_a_telephone_number_is_its_digits_forwards_and_backwards(phone: str) -> None:
    assert search_words("Amber", phone) == {"amber", "2175550100", "<0010555712"}


def test_what_has_no_letter_and_no_digit_leaves_no_word() -> None:
    assert search_words("- -", "unknown") == set()


def test_a_word_is_cut_to_what_its_column_holds() -> None:
    words = search_words("\ufb03" * 200, "5" * 200)  # one character that is three: ffi
    assert [len(word) for word in words] == [MAX_WORD] * 3

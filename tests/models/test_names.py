# ruff: noqa: RUF001 - names and numbers as people write them
"""Names are folded into words that are alike however somebody types them."""

import pytest

from models.names import MAX_WORD, name_words, says_enough


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Amber Testwell", ["amber", "testwell"]),
        ("  Zoë   MÜLLER ", ["zoe", "muller"]),
        ("Zoe\u0308", ["zoe"]),
        ("Smith-Jones, Jr.", ["smith", "jones", "jr"]),
        ("snake_case", ["snake", "case"]),
        ("a\0b \ud800", ["a", "b"]),
        ("- ?!", []),
        ("", []),
        # Letters with strokes, ligatures, and what a capital hides.
        ("Łukasz Søren", ["lukasz", "soren"]),
        ("Đặng Þór Guðrún Ærø", ["dang", "thor", "gudrun", "aero"]),
        ("Straße STRA\u1e9eE", ["strasse", "strasse"]),
        ("İpek Işık ıssız", ["ipek", "isik", "issiz"]),
        ("Bœuf \ufb01ona Əliyev", ["boeuf", "fiona", "eliyev"]),
        ("Paral·lel", ["parallel"]),
        ("ΣΟΦΟΣ σοφός", ["σοφοσ", "σοφοσ"]),
        ("Ґалаґан Йосип", ["галаган", "иосип"]),
        # Scripts whose words are spelled with marks, and those where marks may be left out.
        ("सीता संतोष", ["सीता", "संतोष"]),
        ("क़मर माँ", ["कमर", "मां"]),
        ("\u09b8\u09c0\u09a4\u09be", ["\u09b8\u09c0\u09a4\u09be"]),
        ("தமிழ்", ["தமிழ்"]),
        ("สมชาย ใจดี", ["สมชาย", "ใจดี"]),
        ("\u0d28\u0d4d\u200d", ["\u0d28\u0d4d"]),
        ("\u0d7b", ["\u0d28\u0d4d"]),
        ("עֲבָרִי ג׳ורג", ["עברי", "גורג"]),
        ("أَحْمَد عليـــرضا علی\u200cرضا", ["احمد", "عليرضا", "عليرضا"]),
        ("李明 约翰·史密斯", ["李明", "约翰", "史密斯"]),
        ("ガ カ ｶﾞ ジョン・スミス", ["ガ", "カ", "ガ", "ジョン", "スミス"]),
        ("Ward \u0967\u0968", ["ward", "12"]),
    ],
)
def test_a_names_words_are_as_they_are_typed(name: str, words: list[str]) -> None:
    assert name_words(name) == words


def test_no_apostrophe_makes_a_difference() -> None:
    for mark in "'`\u00b4\u02b9\u02bb\u02bc\u02be\u2018\u2019\u201b\u2032\uff07\u055a\u05f3\ua78c":
        assert name_words(f"O{mark}Testby") == ["otestby"], mark


@pytest.mark.parametrize("typed", ["李", "か", "ガ", "김", "सी", "ab", "a b", "々"])
def test_one_character_is_enough_where_it_is_a_word(typed: str) -> None:
    assert says_enough(name_words(typed))


@pytest.mark.parametrize("typed", ["a", "é", "स", "\u200b", "7", "´"])
def test_one_letter_is_too_little_elsewhere(typed: str) -> None:
    assert not says_enough(name_words(typed))


def test_a_word_is_cut_to_what_its_column_holds() -> None:
    assert [len(word) for word in name_words("\ufb03" * 200)] == [MAX_WORD]  # one is three: ffi

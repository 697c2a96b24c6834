"""What nobody can see is trimmed from the ends of a text, and nothing else."""

import pytest

from models.text import trimmed


@pytest.mark.parametrize(
    "blank",
    [
        *("\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e\u200f", "\u2068\u2069", "\u202e"),
        *("\u3164", "\u115f", "\u2800", "\u034f", "\u00a0", "\u3000", "\ufe0f", "\x1b", " \t\r\n"),
    ],
)
def test_a_text_of_which_nothing_is_seen_is_empty(blank: str) -> None:
    assert trimmed(blank) == ""
    assert trimmed(f" {blank}Zoë{blank}\n") == ("Zoë\ufe0f" if blank == "\ufe0f" else "Zoë")


@pytest.mark.parametrize("text", ["a\u200db", "a b", "❤\ufe0f", "a\0", "नि", "\u0600"])
def test_what_is_seen_or_stands_within_stays(text: str) -> None:
    assert trimmed(text) == text

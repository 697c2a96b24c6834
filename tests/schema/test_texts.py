"""Texts that come as arguments: how long they may be, and which characters can be kept."""

import pytest

from gql_app.schema.texts import checked_key, checked_text
from gql_app.work.reads.conditions import BadInput
from models.idempotency import MAX_IDEMPOTENCY_KEY


@pytest.mark.parametrize("text", ["x", "x" * 5, "\u200b", "🦷" * 5])
def test_a_text_of_one_to_the_most_characters_stays_as_it_is(text: str) -> None:
    assert checked_text(text, "source", 5) == text


@pytest.mark.parametrize("text", ["", "x" * 6, "🦷" * 6])
def test_another_length_is_refused_by_the_arguments_name(text: str) -> None:
    with pytest.raises(BadInput, match=r"source has 1 to 5 characters\."):
        checked_text(text, "source", 5)


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_characters_that_cannot_be_kept_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        checked_text(text, "source", 5)


def test_an_idempotency_key_may_be_left_out_but_not_be_empty_or_too_long() -> None:
    assert checked_key(None) is None
    assert checked_key("k" * MAX_IDEMPOTENCY_KEY)
    for key in ("", "k" * (MAX_IDEMPOTENCY_KEY + 1)):
        with pytest.raises(BadInput, match="idempotencyKey"):
            checked_key(key)

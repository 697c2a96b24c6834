"""The follow-up ladder: after how many days to call again, contact by contact."""

from datetime import date

import pytest

from models.follow_up import read_ladder, suggest_follow_up

TODAY = date(2026, 11, 24)


def test_a_ladder_is_a_list_of_increasing_numbers_of_days() -> None:
    assert read_ladder("1,7,21,60") == (1, 7, 21, 60)
    assert read_ladder(" 5 , 730 ") == (5, 730)


@pytest.mark.parametrize("text", ["", ",", "0,1", "1,1", "7,1", "1,two", "-1", "1.5", "1,731", "²"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="A ladder is a list of increasing numbers of days"):
        read_ladder(text)


@pytest.mark.parametrize(
    ("contacts", "last_day", "expected"),
    [
        (0, None, date(2026, 11, 25)),
        (1, None, date(2026, 12, 1)),
        (2, None, None),  # after the ladder's last step
        (0, date(2026, 11, 25), date(2026, 11, 25)),
        (0, TODAY, None),  # the task expires before
    ],
)
def test_the_step_is_the_one_of_the_contact_that_comes_next(
    contacts: int, last_day: date | None, expected: date | None
) -> None:
    found = suggest_follow_up(contacts, (1, 7), today=TODAY, last_day=last_day)
    assert found == expected


def test_without_a_ladder_nothing_is_suggested() -> None:
    assert suggest_follow_up(0, (), today=TODAY, last_day=None) is None

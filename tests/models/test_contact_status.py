"""Contact statuses: which is stricter, what two of one person come to, and when they may end."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from models.contact_status import ContactStatus, Standing, check_until

OK, DO_NOT_CONTACT, INACTIVE, DECEASED = ContactStatus
STRICTER = (OK, INACTIVE, DO_NOT_CONTACT, DECEASED)
MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
TODAY = date(2026, 5, 12)
STANDINGS = [
    Standing(),
    *(Standing(status, None, MAY, end) for status in STRICTER[1:3] for end in (None, MAY, JUNE)),
    Standing(DECEASED, None, MAY),
]


def test_one_person_of_two_has_the_stricter_status_for_as_long_as_any() -> None:
    for one, other in product(STANDINGS, repeat=2):
        joined = one.joined(other)
        assert joined.status == max(one.status, other.status, key=STRICTER.index)
        assert not joined.is_milder_than(one)
        assert not joined.is_milder_than(other)
        assert joined == other.joined(one)


def test_the_reason_is_that_of_the_stricter_and_the_beginning_that_of_the_first() -> None:
    moved = Standing(INACTIVE, "moved", MAY)
    asked = Standing(DO_NOT_CONTACT, "asked", JUNE, JUNE)
    assert moved.joined(asked) == Standing(DO_NOT_CONTACT, "asked", MAY, None)


def test_a_status_has_ended_when_the_clock_says_so() -> None:
    asked = Standing(DO_NOT_CONTACT, "asked", MAY, JUNE)
    assert asked.at(MAY) == asked
    assert asked.at(JUNE) == Standing()


def test_milder_is_what_lets_the_patient_be_called_sooner() -> None:
    asked = Standing(DO_NOT_CONTACT, None, MAY, JUNE)
    assert asked._replace(ends_at=MAY).is_milder_than(asked)
    assert not asked._replace(ends_at=None).is_milder_than(asked)
    assert Standing(DECEASED, ends_at=MAY).is_milder_than(asked)
    assert Standing().is_milder_than(asked)
    assert not asked._replace(ends_at=MAY).is_milder_than(Standing())


def test_it_is_kept_as_text_and_read_again() -> None:
    for standing in STANDINGS:
        assert Standing.of(standing.text) == standing


@pytest.mark.parametrize(
    ("status", "until", "is_right"),
    [
        (DO_NOT_CONTACT, None, True),
        (DO_NOT_CONTACT, TODAY, True),
        (INACTIVE, date(2036, 12, 31), True),
        (INACTIVE, date(2037, 1, 1), False),
        (DO_NOT_CONTACT, date(2026, 5, 11), False),
        (DECEASED, date(2026, 6, 1), False),
        (OK, date(2026, 6, 1), False),
        (DECEASED, None, True),
    ],
)
def test_a_last_day_is_from_today_on_and_not_of_what_does_not_end(
    status: ContactStatus, until: date | None, is_right: bool
) -> None:
    refusal = check_until(status, until, TODAY)
    assert (refusal is None) is is_right
    assert refusal is None or (refusal.code, refusal.field) == ("UNTIL_INVALID", "until")

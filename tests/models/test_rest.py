"""The rest after a call: for hours, for the rest of the day at the practice, or none."""

from datetime import UTC, datetime, timedelta

import pytest

from models.checks import BadValue
from models.rest import Rest
from models.setting_checks import checked_rest

CHICAGO = Rest(None, "America/Chicago")  # in July five hours behind UTC


def at(day: int, hour: int, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def is_resting(rest: Rest, called_at: datetime, now: datetime) -> bool:
    return called_at > rest.since(now)


@pytest.mark.parametrize(
    ("called_at", "end"),
    [
        (at(2, 5), at(3, 5)),  # at the first moment of the 2nd
        (at(2, 15), at(3, 5)),
        (at(3, 4, 59), at(3, 5)),  # by UTC it is the 3rd already
    ],
)
def test_the_rest_of_a_day_ends_when_the_day_ends_at_the_practice(
    called_at: datetime, end: datetime
) -> None:
    assert CHICAGO.end(called_at) == end
    assert is_resting(CHICAGO, called_at, end - timedelta(microseconds=1))
    assert not is_resting(CHICAGO, called_at, end)


@pytest.mark.parametrize("hours", [1, 24, 720])
def test_a_rest_of_hours_ends_so_many_hours_after_the_call(hours: int) -> None:
    rest = Rest(hours, "America/Chicago")
    end = at(2, 15) + timedelta(hours=hours)
    assert rest.end(at(2, 15)) == end
    assert is_resting(rest, at(2, 15), end - timedelta(microseconds=1))
    assert not is_resting(rest, at(2, 15), end)


def test_nobody_rests_where_it_is_off() -> None:
    off = Rest(0, "America/Chicago")
    assert off.is_off
    assert not is_resting(off, at(2, 15), at(2, 15))


@pytest.mark.parametrize(
    ("zone", "called_at", "end"),
    [
        ("America/Chicago", at(8, 15, month=3), at(9, 5, month=3)),  # a day of 23 hours
        ("America/Chicago", at(1, 15, month=11), at(2, 6, month=11)),  # a day of 25 hours
        ("America/Havana", at(7, 15, month=3), at(8, 5, month=3)),  # the next has no midnight
    ],
)
def test_a_day_ends_where_clocks_are_changed_too(
    zone: str, called_at: datetime, end: datetime
) -> None:
    assert Rest(None, zone).end(called_at) == end


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), ("same-day", None), (0, 0), ("0", 0), (1, 1), ("720", 720), ("24", 24)],
)
def test_a_rest_is_the_day_or_a_number_of_hours(given: int | str | None, kept: int | None) -> None:
    assert checked_rest(given) == kept


@pytest.mark.parametrize("given", [-1, 721, "721", "1.5", "", "a day", "²", "9" * 5_000])
def test_anything_else_is_refused(given: int | str) -> None:
    with pytest.raises(BadValue, match="a rest is same-day, 0 for none, or hours up to 720"):
        checked_rest(given)

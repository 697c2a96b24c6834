"""Calling hours and holidays as people write them: read, kept, and refused."""

from datetime import date, time

import pytest

from models.calling_hours import Span, Weekday
from models.checks import BadValue
from models.hours_text import (
    MOST_HOLIDAYS,
    Holiday,
    OpenOn,
    checked_holidays,
    checked_hours,
    kept_holidays,
    kept_hours,
    read_hours,
)
from models.refusals import RefusalCode

MONDAY = OpenOn(Weekday.MONDAY, time(8), time(18))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Mon-Fri 08:00-18:00, Sat 09:00-12:00", "Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
        ("monday 8:00 - 18:00; tuesday 8:00 – 18:00", "Mon-Tue 08:00-18:00"),  # noqa: RUF001
        ("Sat 09:00-12:00, Mon 08:00-18:00", "Mon 08:00-18:00, Sat 09:00-12:00"),
        ("Mon 08:00-18:00, Tue 08:00-12:00", "Mon 08:00-18:00, Tue 08:00-12:00"),
        ("Mon 08:00-18:00, Wed 08:00-18:00", "Mon 08:00-18:00, Wed 08:00-18:00"),
        ("", None),
        (None, None),
        ([], None),
        ([MONDAY], "Mon 08:00-18:00"),
        ([MONDAY._replace(weekday=day) for day in Weekday], "Mon-Sun 08:00-18:00"),
    ],
)
def test_hours_are_kept_in_one_form(given: str | list[OpenOn] | None, kept: str | None) -> None:
    assert checked_hours(given) == kept
    assert checked_hours(kept) == kept
    assert checked_hours(kept_hours(kept)) == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Mon 18:00-08:00", "on Monday the hours end at 08:00, and begin at 18:00"),
        ("Mon 08:00-08:00", "on Monday the hours end at 08:00, and begin at 08:00"),
        ("Mon-Fri 08:00-18:00, Wed 08:00-12:00", "Wednesday has hours twice"),
        ("Mo 08:00-18:00", "'Mo' is no weekday"),
        ("Noday 08:00-18:00", "'Noday' is no weekday"),
        ("Mon 08:00-24:00", "'24:00' is no time"),
        ("Fri-Mon 08:00-18:00", "Fri comes after Mon"),
        ("always", "calling hours are written such as Mon-Fri"),
        ("Mon 8-18", "calling hours are written such as Mon-Fri"),
    ],
)
def test_other_hours_are_refused(given: str, message: str) -> None:
    with pytest.raises(BadValue, match=message) as caught:
        checked_hours(given)
    assert caught.value.code is RefusalCode.CALLING_HOURS_INVALID


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ([MONDAY, MONDAY], ("1", "weekday")),
        ([MONDAY._replace(closes=time(8))], ("0", "closes")),
        ([MONDAY._replace(opens=time(8, 0, 30))], ("0", "opens")),
        ([MONDAY._replace(closes=time(18, 0, 0, 1))], ("0", "opens")),
    ],
)
def test_what_is_wrong_in_a_list_is_named_by_its_place(
    given: list[OpenOn], at: tuple[str, ...]
) -> None:
    with pytest.raises(BadValue) as caught:
        checked_hours(given)
    assert caught.value.at == at


def test_holidays_are_kept_in_their_order() -> None:
    kept = checked_holidays(["2027-01-01", Holiday(date(2026, 12, 25), " Christmas Day ")])
    assert kept == "2026-12-25 Christmas Day\n2027-01-01"
    assert kept_holidays(kept) == [
        Holiday(date(2026, 12, 25), "Christmas Day"),
        Holiday(date(2027, 1, 1)),
    ]
    assert checked_holidays(kept_holidays(kept)) == kept
    assert checked_holidays(kept) == kept
    assert checked_holidays([]) is None


@pytest.mark.parametrize(
    ("given", "code", "at"),
    [
        (["2026-12-25", "2026-12-25 Christmas"], RefusalCode.HOLIDAYS_INVALID, ("1", "date")),
        (["Christmas"], RefusalCode.HOLIDAYS_INVALID, ()),
        (["2026-02-30"], RefusalCode.HOLIDAYS_INVALID, ()),
        (["20261225"], RefusalCode.HOLIDAYS_INVALID, ()),
        (["2026-12-25 " + "x" * 101], RefusalCode.TEXT_TOO_LONG, ("0", "name")),
        ([Holiday(date(2026, 12, 25), "a\nb")], RefusalCode.TEXT_INVALID, ("0", "name")),
        (
            [Holiday(date.fromordinal(740_000 + n)) for n in range(MOST_HOLIDAYS + 1)],
            RefusalCode.HOLIDAYS_INVALID,
            (),
        ),
    ],
)
def test_other_holidays_are_refused(
    given: list[str | Holiday], code: RefusalCode, at: tuple[str, ...]
) -> None:
    with pytest.raises(BadValue) as caught:
        checked_holidays(given)
    assert (caught.value.code, caught.value.at) == (code, at)


def test_what_is_kept_is_read_as_hours() -> None:
    hours = read_hours("UTC", "Mon 08:00-18:00", "2026-12-25 Christmas")
    assert hours.week == {Weekday.MONDAY: Span(time(8), time(18))}
    assert hours.holidays == {date(2026, 12, 25)}
    assert read_hours("UTC", None, None).is_off

"""A cursor is what we wrote for this list of this practice, or it is refused."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import (
    Moment,
    Place,
    due_cursor,
    event_cursor,
    id_cursor,
    moment_cursor,
    place_cursor,
    read_due_cursor,
    read_event_cursor,
    read_id_cursor,
    read_moment_cursor,
    read_place_cursor,
)
from models.chain import Position

NUMBERS = st.integers(0, 10**18 - 1)
PRACTICES = st.integers(1, 10**18 - 1)
MOMENTS = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))
READERS: list[Callable[[int, str], Any]] = [
    read_event_cursor,
    read_id_cursor,
    read_due_cursor,
    partial(read_moment_cursor, Moment.EXPIRY),
    partial(read_moment_cursor, Moment.LAST_CONTACT),
]
KINDS = "eidxl"
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


PLACE_TYPES = {"d": (date, datetime, int), "o": (int,)}


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@given(PRACTICES, NUMBERS, st.dates(), MOMENTS, st.binary(min_size=8, max_size=8))
def test_each_cursor_is_read_as_it_was_written(
    practice: int, number: int, day: date, moment: datetime, digest: bytes
) -> None:
    for position in (Position(number), Position(number, digest)):
        assert read_event_cursor(practice, event_cursor(practice, position)) == position
    assert read_id_cursor(practice, id_cursor(practice, number)) == number
    assert read_due_cursor(practice, due_cursor(practice, day, number)) == (day, number)
    for kind in Moment:
        cursor = moment_cursor(kind, practice, moment, number)
        assert read_moment_cursor(kind, practice, cursor) == (moment, number)


@given(PRACTICES, NUMBERS, st.dates(), st.dates(), MOMENTS)
def test_a_place_in_a_section_is_read_as_it_was_written(
    practice: int, number: int, day: date, due: date, moment: datetime
) -> None:
    for place in (Place(day, "d", (due, moment, number)), Place(day, "o", (number,))):
        cursor = place_cursor("w", practice, place)
        assert read_place_cursor("w", practice, cursor, PLACE_TYPES) == place
        for kind, whose in (("c", practice), ("w", practice + 1)):
            with pytest.raises(BadInput):
                read_place_cursor(kind, whose, cursor, PLACE_TYPES)


@given(st.text("0123456789-:dox. ", max_size=40))
def test_a_place_in_no_section_is_refused(text: str) -> None:
    try:
        place = read_place_cursor("w", 1, encoded(f"w:1:{text}"), PLACE_TYPES)
    except BadInput:
        return
    assert tuple(map(type, place.values)) == PLACE_TYPES[place.section]


@pytest.mark.parametrize("reader", READERS)
@given(text=st.text() | st.binary().map(urlsafe_b64encode).map(bytes.decode))
def test_garbage_is_refused(reader: Callable[[int, str], Any], text: str) -> None:
    with pytest.raises(BadInput):
        reader(1, text)


@pytest.mark.parametrize(("kind", "reader"), [*zip(KINDS, READERS, strict=True)])
@given(position=st.text("0123456789-:+. W٣", max_size=24))
def test_garbage_in_a_cursors_clothes_is_refused_or_a_place_that_can_be_asked_for(
    kind: str, reader: Callable[[int, str], Any], position: str
) -> None:
    try:
        place = reader(1, encoded(f"{kind}:1:{position}"))
    except BadInput:
        return
    number = {"e": lambda: place.seq, "i": lambda: place}.get(kind, lambda: place[1])()
    assert 0 <= number < 2**63


@pytest.mark.parametrize(
    "position", ["", "-1", "1.5", "1" * 19, "0x1", " 1", "1:2", "1:", "1:00ff", "one"]
)
def test_a_cursor_whose_number_is_none_is_refused(position: str) -> None:
    for kind, reader in zip(KINDS, READERS, strict=True):
        before = {"d": "2026-05-12:", "x": "5:", "l": "5:"}.get(kind, "")
        place = before + position
        with pytest.raises(BadInput):
            reader(1, encoded(f"{kind}:1:{place}"))


@pytest.mark.parametrize("day", ["", "2026-02-30", "today", "2026-05-12T00:00"])
def test_a_cursor_whose_date_is_none_is_refused(day: str) -> None:
    with pytest.raises(BadInput):
        read_due_cursor(1, encoded(f"d:1:{day}:5"))


@pytest.mark.parametrize("microseconds", ["", "-1", "soon", "9" * 18, "1" * 19, "1.5", "5:5"])
def test_a_cursor_whose_moment_is_none_is_refused(microseconds: str) -> None:
    with pytest.raises(BadInput):
        read_moment_cursor(Moment.EXPIRY, 1, encoded(f"x:1:{microseconds}:5"))


@given(PRACTICES, PRACTICES, NUMBERS)
def test_a_cursor_of_another_practice_is_refused(mine: int, other: int, number: int) -> None:
    assume(mine != other)
    with pytest.raises(BadInput):
        read_event_cursor(mine, event_cursor(other, Position(number)))
    with pytest.raises(BadInput):
        read_id_cursor(mine, id_cursor(other, number))
    with pytest.raises(BadInput):
        read_due_cursor(mine, due_cursor(other, date(2026, 5, 12), number))
    for kind in Moment:
        with pytest.raises(BadInput):
            read_moment_cursor(kind, mine, moment_cursor(kind, other, NOON, number))


def test_a_cursor_of_another_list_is_refused() -> None:
    written = [event_cursor(1, Position(5)), id_cursor(1, 5), due_cursor(1, date(2026, 5, 12), 5)]
    written += [moment_cursor(kind, 1, NOON, 5) for kind in Moment]
    for place, reader in enumerate(READERS):
        for other, cursor in enumerate(written):
            if other != place:
                with pytest.raises(BadInput):
                    reader(1, cursor)


@given(NUMBERS, st.sampled_from(" \n=*é"), st.integers(0, 12))
def test_a_cursor_with_a_stray_character_is_refused(number: int, stray: str, place: int) -> None:
    cursor = event_cursor(1, Position(number))

    with pytest.raises(BadInput):
        read_event_cursor(1, cursor[:place] + stray + cursor[place:])

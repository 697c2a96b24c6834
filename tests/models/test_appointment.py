"""What an appointment can become, and of which kinds a queue means it."""

from datetime import UTC, datetime

import pytest

from models.appointment import (
    AppointmentBefore,
    AppointmentStatus,
    check_status,
    is_of_kind,
)
from models.checks import BadValue
from models.queue_checks import MAX_KIND, MAX_KINDS, checked_kind, checked_kinds
from models.refusals import RefusalCode

SCHEDULED, CANCELLED, COMPLETED, MISSED = AppointmentStatus


@pytest.mark.parametrize("to", AppointmentStatus)
@pytest.mark.parametrize("now", AppointmentStatus)
def test_only_a_scheduled_one_ends_and_only_an_ended_one_is_scheduled_again(
    now: AppointmentStatus, to: AppointmentStatus
) -> None:
    refusal = check_status(now, to, "externalId")

    if now is SCHEDULED and to is SCHEDULED:
        assert refusal is not None
        assert refusal.code is RefusalCode.APPOINTMENT_OPEN
    elif now is not SCHEDULED and to is not SCHEDULED:
        assert refusal is not None
        assert (refusal.code, refusal.field) == (RefusalCode.APPOINTMENT_ENDED, "externalId")
        assert now.label.lower() in refusal.message, "it says what it is now"
    else:
        assert refusal is None


@pytest.mark.parametrize(
    ("kind", "kinds", "is_of_it"),
    [
        (None, None, True),
        ("Cleaning", None, True),
        ("Cleaning", ["Cleaning", "Crown"], True),
        ("CLEANING", ["cleaning"], True),
        ("Straße", ["STRASSE"], True),
        ("Crown", ["Cleaning"], False),
        (None, ["Cleaning"], False),
    ],
)
def test_a_queue_without_kinds_means_all_and_one_with_kinds_only_these(
    kind: str | None, kinds: list[str] | None, is_of_it: bool
) -> None:
    assert is_of_kind(kind, checked_kinds(kinds)) is is_of_it


def test_kinds_are_trimmed_and_kept_once_whatever_their_capitals() -> None:
    assert checked_kinds([" Cleaning ", "cleaning", "", "Crown"]) == '["Cleaning", "Crown"]'
    assert checked_kinds("Cleaning, Crown,") == '["Cleaning", "Crown"]'
    assert checked_kinds([]) is None
    assert checked_kinds("") is None
    assert checked_kind("  ") is None


@pytest.mark.parametrize(
    "kinds", [["x" * (MAX_KIND + 1)], ["a\nb"], [f"kind {n}" for n in range(MAX_KINDS + 1)]]
)
def test_what_cannot_be_a_kind_is_refused(kinds: list[str]) -> None:
    with pytest.raises(BadValue) as refused:
        checked_kinds(kinds)
    assert refused.value.code is RefusalCode.KIND_INVALID


def test_what_a_contact_keeps_of_an_appointment_is_read_as_it_was() -> None:
    before = AppointmentBefore(
        7, 2, datetime(2026, 12, 3, 15, 30, tzinfo=UTC), "Crown", True, 3, [4, 5]
    )
    assert AppointmentBefore.of(before.text) == before

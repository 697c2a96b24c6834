"""The whole grid of the workflow, against the table of the design."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from models.contact_status import ContactStatus
from models.follow_up import last_follow_up, local_date
from models.lifecycle import (
    OPEN_STATUSES,
    WORKFLOW,
    Attempt,
    CloseCause,
    ContactOutcome,
    Happening,
    Rule,
    TaskStatus,
    bring_back,
    check_appointment,
    decide,
    ends,
    postpone,
    reopen,
    undo,
)
from models.refusals import TASK_OPEN, Refusal, RefusalCode
from models.task import IS_OPEN

# The design's table, word for word: Log Contact, then Log and Close Task.
TABLE = {
    "NO_ANSWER": ("follow-up required, notes optional -> IN_PROGRESS", "notes optional -> CLOSED"),
    "LEFT_MESSAGE": (
        "follow-up required, notes optional -> IN_PROGRESS",
        "notes optional -> CLOSED",
    ),
    "DID_NOT_SCHEDULE": (
        "follow-up required, notes required -> IN_PROGRESS",
        "notes optional -> CLOSED",
    ),
    "SCHEDULED": ("refused: MUST_CLOSE", "notes optional -> CLOSED"),
}

TODAY = date(2026, 5, 12)
LAST_DAY = date(2026, 6, 1)

# What is typed, the task's last day, and what is wrong with it where a follow-up is asked for.
FOLLOW_UPS = {
    "absent": (None, LAST_DAY, "FOLLOW_UP_REQUIRED"),
    "past": (date(2026, 5, 11), LAST_DAY, "FOLLOW_UP_IN_PAST"),
    "today": (TODAY, LAST_DAY, None),
    "future": (date(2026, 5, 13), LAST_DAY, None),
    "last day": (LAST_DAY, LAST_DAY, None),
    "after expiry": (date(2026, 6, 2), LAST_DAY, "FOLLOW_UP_AFTER_EXPIRY"),
    "farthest": (date(2028, 5, 12), None, None),
    "too far": (date(2028, 5, 13), None, "FOLLOW_UP_TOO_FAR"),
}

NOTES = {
    "absent": None,
    "empty": "",
    "blank": " \n\t",
    "present": "moving house",
    "longest": "x" * 10_000,
    "too long": "x" * 10_001,
}


def expected(
    status: str, outcome: str, close: bool, follow_up: str, notes: str, said: str
) -> set[str] | str:
    """The codes of all refusals, or the status that the task goes to."""
    if status == "CLOSED":
        return {"TASK_CLOSED"}
    if said != "OK" and not close:
        return {"MUST_CLOSE"}
    cell = TABLE[outcome][close]
    if cell.startswith("refused: "):
        return {cell.removeprefix("refused: ")}
    problems: set[str | None] = set()
    if "follow-up required" in cell:
        problems.add(FOLLOW_UPS[follow_up][2])
    elif follow_up != "absent":
        problems.add("FOLLOW_UP_NOT_ALLOWED")
    if notes == "too long":
        problems.add("NOTES_TOO_LONG")
    elif "notes required" in cell and notes in {"absent", "empty", "blank"}:
        problems.add("NOTES_REQUIRED")
    return {code for code in problems if code} or cell.rpartition("-> ")[2]


@pytest.mark.parametrize("said", ["OK", "DO_NOT_CONTACT", "INACTIVE", "DECEASED"])
@pytest.mark.parametrize("notes", NOTES)
@pytest.mark.parametrize("follow_up", FOLLOW_UPS)
@pytest.mark.parametrize("close", [False, True])
@pytest.mark.parametrize("outcome", TABLE)
@pytest.mark.parametrize("status", ["OPEN", "IN_PROGRESS", "CLOSED"])
def test_every_cell_of_the_grid_does_what_the_table_says(
    status: str, outcome: str, close: bool, follow_up: str, notes: str, said: str
) -> None:
    typed, last_day, _ = FOLLOW_UPS[follow_up]
    attempt = Attempt(ContactOutcome(outcome), typed, NOTES[notes], close, ContactStatus(said))

    verdict = decide(TaskStatus(status), attempt, today=TODAY, last_day=last_day)

    should = expected(status, outcome, close, follow_up, notes, said)
    if isinstance(verdict, Rule):
        # A rule comes alone: where anything is refused there is none.
        assert verdict.to == should
        assert verdict.cause == (CloseCause.CONTACT if close else None)
    else:
        assert {refusal.code.value for refusal in verdict} == should
        assert len(verdict) == len(should)


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("to", TaskStatus)
def test_an_undo_leads_back_to_where_a_contact_can_come_from(
    status: TaskStatus, to: TaskStatus
) -> None:
    rule = undo(status, to)

    # No contact leads to OPEN, and none on a closed task has moved it.
    if status is TaskStatus.OPEN or to is TaskStatus.CLOSED:
        assert rule is None
    else:
        assert rule == Rule(to, follow_up=False)


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("to", TaskStatus)
def test_what_an_appointment_has_closed_comes_back_as_what_it_was(
    status: TaskStatus, to: TaskStatus
) -> None:
    rule = bring_back(status, to)

    if status.is_open or to is TaskStatus.CLOSED:
        assert rule is None
    else:
        assert rule == Rule(to, follow_up=False)


@pytest.mark.parametrize("is_expired", [False, True])
@pytest.mark.parametrize("is_contacted", [False, True])
@pytest.mark.parametrize("follow_up", FOLLOW_UPS)
@pytest.mark.parametrize("status", TaskStatus)
def test_every_cell_of_reopening(
    status: TaskStatus, follow_up: str, is_contacted: bool, is_expired: bool
) -> None:
    typed, last_day, problem = FOLLOW_UPS[follow_up]
    if follow_up == "absent" and not is_contacted and not is_expired:
        problem = None
    if follow_up == "after expiry" and is_expired:
        problem = None  # it gets a new one

    verdict = reopen(
        status,
        typed,
        is_contacted=is_contacted,
        is_expired=is_expired,
        today=TODAY,
        last_day=last_day,
    )

    if status.is_open:
        assert verdict == TASK_OPEN
    elif problem is not None:
        assert isinstance(verdict, Refusal)
        assert (verdict.code, verdict.field) == (problem, "followUp")
    else:
        assert isinstance(verdict, Rule)
        assert verdict.to == ("IN_PROGRESS" if is_contacted else "OPEN")
        assert verdict.cause is None


def test_the_grid_covers_every_status_and_outcome() -> None:
    assert list(TABLE) == [outcome.value for outcome in ContactOutcome]
    assert [status.value for status in WORKFLOW] == ["OPEN", "IN_PROGRESS", "CLOSED"]
    assert list(WORKFLOW) == list(TaskStatus)


@pytest.mark.parametrize(
    ("attempt", "fields"),
    [
        (Attempt(ContactOutcome.SCHEDULED, TODAY, None, False), {"MUST_CLOSE": "close"}),
        (
            Attempt(ContactOutcome.NO_ANSWER, TODAY, None, False, ContactStatus.DECEASED),
            {"MUST_CLOSE": "close"},
        ),
        (
            Attempt(ContactOutcome.DID_NOT_SCHEDULE, None, None, False),
            {"FOLLOW_UP_REQUIRED": "followUp", "NOTES_REQUIRED": "notes"},
        ),
        (
            Attempt(ContactOutcome.NO_ANSWER, TODAY, "x" * 10_001, True),
            {"FOLLOW_UP_NOT_ALLOWED": "followUp", "NOTES_TOO_LONG": "notes"},
        ),
        (
            Attempt(ContactOutcome.NO_ANSWER, date(2026, 5, 1), None, False),
            {"FOLLOW_UP_IN_PAST": "followUp"},
        ),
    ],
)
def test_a_refusal_says_why_and_names_the_argument_to_mend(
    attempt: Attempt, fields: dict[str, str]
) -> None:
    verdict = decide(TaskStatus.OPEN, attempt, today=TODAY, last_day=None)

    assert isinstance(verdict, list)
    assert {refusal.code.value: refusal.field for refusal in verdict} == fields
    assert all(refusal.message.endswith(".") for refusal in verdict)


@pytest.mark.parametrize("follow_up", FOLLOW_UPS)
@pytest.mark.parametrize("status", TaskStatus)
def test_a_postponed_task_keeps_its_status_and_its_date_is_checked(
    status: TaskStatus, follow_up: str
) -> None:
    typed, last_day, code = FOLLOW_UPS[follow_up]
    if typed is None:
        return  # the API requires a date
    verdict = postpone(status, typed, today=TODAY, last_day=last_day)

    if isinstance(verdict, Rule):
        assert (verdict.to, verdict.cause, code) == (status, None, None)
        assert status.is_open
    else:
        assert verdict.code == (code if status.is_open else "TASK_CLOSED")


@pytest.mark.parametrize("status", [TaskStatus.OPEN, TaskStatus.IN_PROGRESS])
def test_an_expired_task_is_closed_with_its_cause(status: TaskStatus) -> None:
    rule = ends(status, Happening.EXPIRY)

    assert rule is not None
    assert (rule.to, rule.cause) == (TaskStatus.CLOSED, CloseCause.EXPIRED)


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("status", TaskStatus)
def test_every_happening_closes_what_is_open_with_its_cause_and_nothing_else(
    status: TaskStatus, happening: Happening
) -> None:
    causes = {
        Happening.EXPIRY: CloseCause.EXPIRED,
        Happening.APPOINTMENT: CloseCause.APPOINTMENT_BOOKED,
        Happening.WITHDRAWAL: CloseCause.WITHDRAWN,
        Happening.DO_NOT_CONTACT: CloseCause.DO_NOT_CONTACT,
        Happening.MAX_ATTEMPTS: CloseCause.MAX_ATTEMPTS,
    }
    rule = ends(status, happening)
    has_no_attempt = status is TaskStatus.OPEN and happening is Happening.MAX_ATTEMPTS
    if status is TaskStatus.CLOSED or has_no_attempt:
        assert rule is None
    else:
        assert rule is not None
        assert (rule.to, rule.cause) == (TaskStatus.CLOSED, causes[happening])


def test_a_closed_task_does_not_expire() -> None:
    assert ends(TaskStatus.CLOSED, Happening.EXPIRY) is None


@pytest.mark.parametrize(
    ("status", "is_open", "label"),
    [
        (TaskStatus.OPEN, True, "Open"),
        (TaskStatus.IN_PROGRESS, True, "Open + In Progress"),
        (TaskStatus.CLOSED, False, "Closed"),
    ],
)
def test_a_task_in_progress_is_still_open_and_labelled_so(
    status: TaskStatus, is_open: bool, label: str
) -> None:
    assert (status.is_open, status.label) == (is_open, label)


@pytest.mark.parametrize(
    ("today", "latest"),
    [
        (date(2026, 5, 12), date(2028, 5, 12)),
        (date(2026, 2, 28), date(2028, 2, 28)),
        (date(2028, 2, 29), date(2030, 2, 28)),
    ],
)
def test_a_follow_up_is_at_most_two_years_ahead_also_on_29_february(
    today: date, latest: date
) -> None:
    def codes(follow_up: date) -> list[RefusalCode]:
        attempt = Attempt(ContactOutcome.NO_ANSWER, follow_up, None, False)
        verdict = decide(TaskStatus.OPEN, attempt, today=today, last_day=None)
        return [] if isinstance(verdict, Rule) else [refusal.code for refusal in verdict]

    assert last_follow_up(today) == latest
    assert codes(latest) == []
    assert codes(date.fromordinal(latest.toordinal() + 1)) == [RefusalCode.FOLLOW_UP_TOO_FAR]


def test_no_statement_writes_out_the_open_statuses_by_itself() -> None:
    root = Path(__file__).parents[2]
    listed = re.compile(r"\(\s*'OPEN'\s*,\s*'IN_PROGRESS'")
    assert [status.value for status in OPEN_STATUSES] == ["OPEN", "IN_PROGRESS"]
    assert IS_OPEN == "t.status IN ('OPEN', 'IN_PROGRESS')"  # word for word that of the indexes
    assert [
        path.name
        for folder in ("gql_app", "models")
        for path in (root / folder).rglob("*.py")
        if "migrations" not in path.parts and listed.search(path.read_text())
    ] == []


@pytest.mark.parametrize(
    ("time_zone", "day"),
    [
        ("Pacific/Honolulu", 8),
        ("America/Chicago", 8),
        ("America/New_York", 9),  # 00:59, because the clocks went forward that night
        ("UTC", 9),
        ("Pacific/Kiritimati", 9),
    ],
)
def test_the_date_is_that_of_the_practices_own_time_zone(time_zone: str, day: int) -> None:
    moment = datetime(2026, 3, 9, 4, 59, tzinfo=UTC)

    assert local_date(moment, time_zone) == date(2026, 3, day)


@pytest.mark.parametrize("outcome", ContactOutcome)
def test_an_appointment_comes_with_scheduled_alone(outcome: ContactOutcome) -> None:
    refusal = check_appointment(outcome)
    if outcome is ContactOutcome.SCHEDULED:
        assert refusal is None
    else:
        assert refusal is not None
        assert (refusal.code, refusal.field) == ("APPOINTMENT_NOT_ALLOWED", "appointment")

"""Calling hours over HTTP: how they are set and refused, and what claims say of them."""

import re
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.practices import update_practice
from models.practice import Practice
from tests.office import task_id
from tests.serving import Server

HOURS = "callingHours { weekday opens closes } holidays { date name }"
UPDATE = f"""mutation ($input: UpdatePracticeInput!) {{ updatePractice(input: $input) {{
    practice {{ {HOURS} }} errors {{ code field message }} }} }}"""
SHOWN = f"{{ viewer {{ practice {{ {HOURS} }} }} }}"
NEXT = "mutation { claimNextTask { task { id } reason reasons nextAt warnings { code } } }"
CLAIM = """mutation ($id: ID!, $claim: ID) { claimTask(taskId: $id, claimId: $claim) {
    task { id } reasons warnings { code message } errors { code } } }"""
ZONE = "query ($id: ID!) { patient(id: $id) { timeZone } }"

MONDAY = {"weekday": "MONDAY", "opens": "08:00", "closes": "18:00"}
SUNDAY = {"weekday": "SUNDAY", "opens": "09:30", "closes": "12:00"}
CHRISTMAS = {"date": "2026-12-25", "name": "Christmas"}


async def changed(server: Server, **given: Any) -> Any:
    return (await server.data(UPDATE, "admin", input=given))["updatePractice"]


async def test_hours_and_holidays_are_set_shown_and_taken_away(server: Server) -> None:
    none: dict[str, Any] = {"callingHours": [], "holidays": []}
    assert (await server.data(SHOWN, "staff"))["viewer"]["practice"] == none

    new_year = {"date": "2027-01-01", "name": None}
    done = await changed(server, callingHours=[SUNDAY, MONDAY], holidays=[new_year, CHRISTMAS])
    kept = {
        "callingHours": [
            {"weekday": "MONDAY", "opens": "08:00:00", "closes": "18:00:00"},
            {"weekday": "SUNDAY", "opens": "09:30:00", "closes": "12:00:00"},
        ],
        "holidays": [CHRISTMAS, new_year],
    }
    assert done == {"practice": kept, "errors": []}
    for role in ("staff", "supervisor", "partner"):
        assert (await server.data(SHOWN, role))["viewer"]["practice"] == kept

    assert (await changed(server, holidays=[]))["practice"] == kept | {"holidays": []}
    assert (await changed(server, callingHours=None))["practice"] == none


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (
            {"callingHours": [MONDAY, SUNDAY | {"closes": "09:30"}]},
            "CALLING_HOURS_INVALID",
            ["callingHours", "1", "closes"],
        ),
        (
            {"callingHours": [MONDAY, MONDAY]},
            "CALLING_HOURS_INVALID",
            ["callingHours", "1", "weekday"],
        ),
        (
            {"callingHours": [MONDAY | {"opens": "08:00:30"}]},
            "CALLING_HOURS_INVALID",
            ["callingHours", "0", "opens"],
        ),
        (
            {"holidays": [CHRISTMAS, {"date": "2026-12-25"}]},
            "HOLIDAYS_INVALID",
            ["holidays", "1", "date"],
        ),
        (
            {"holidays": [CHRISTMAS | {"name": "x" * 101}]},
            "TEXT_TOO_LONG",
            ["holidays", "0", "name"],
        ),
        (
            {"holidays": [{"date": f"2027-{1 + n // 28:02}-{1 + n % 28:02}"} for n in range(101)]},
            "HOLIDAYS_INVALID",
            ["holidays"],
        ),
    ],
)
async def test_bad_hours_are_refused_and_change_nothing(
    server: Server, given: dict[str, Any], code: str, field: list[str]
) -> None:
    await changed(server, callingHours=[MONDAY], holidays=[CHRISTMAS])
    before = await Practice.get(id=server.office.practice.id).values()
    (error,) = (await changed(server, name="Another", **given))["errors"]
    assert (error["code"], error["field"]) == (code, ["input", *field])
    assert await Practice.get(id=server.office.practice.id).values() == before


async def test_a_weekday_that_is_none_is_no_request(server: Server) -> None:
    given = {"callingHours": [MONDAY | {"weekday": "NODAY"}]}
    answer = await server.post(
        {"query": UPDATE, "variables": {"input": given}}, server.office.keys["admin"]
    )
    assert "NODAY" in answer.json()["errors"][0]["message"]


async def test_outside_the_hours_nobody_is_handed_out_and_a_claim_by_hand_warns(
    server: Server,
) -> None:
    office = server.office
    opens = office.today + timedelta(days=3)
    week = {"calling_hours": f"{opens:%a} 08:00-18:00"}
    await office.changes.make(office.admin, update_practice, week)
    task = await office.make_task()

    said = (await server.data(NEXT, "staff"))["claimNextTask"]
    eight = datetime.combine(opens, time(8), ZoneInfo("America/Chicago"))
    assert datetime.fromisoformat(said.pop("nextAt")) == eight
    assert said == {
        "task": None,
        "reason": "Everybody who is due is outside the calling hours.",
        "reasons": ["OUTSIDE_CALLING_HOURS"],
        "warnings": [],
    }
    claimed = (await server.data(CLAIM, "staff", id=task_id(task), claim="mine"))["claimTask"]
    (warning,) = claimed["warnings"]
    assert warning["code"] == "OUTSIDE_CALLING_HOURS"
    words = r"It is \d\d:\d\d at the practice: outside the calling hours\."
    assert re.fullmatch(words, warning["message"])
    done = {"task": {"id": task_id(task)}, "reasons": [], "errors": []}
    assert claimed == done | {"warnings": [warning]}
    renewed = (await server.data(CLAIM, "staff", id=task_id(task), claim="mine"))["claimTask"]
    assert renewed == done | {"warnings": []}


async def test_a_patient_lives_by_the_clocks_that_the_number_tells(server: Server) -> None:
    office = server.office
    patient = office.patients[0]
    shown = global_id("Patient", patient.id)
    for phone, zone in (
        (None, "America/Chicago"),
        ("+13105550123", "America/Los_Angeles"),
        ("+18005550123", "America/Chicago"),
        ("+442071234567", "Europe/London"),
    ):
        if phone is not None:
            changes = PatientChanges(phone=phone)
            await office.changes.make(office.supervisor, update_patient, patient.id, changes)
        await office.make_task(office.recall)
        for role in ("staff", "partner"):
            answer = await server.data(ZONE, role, id=shown)
            assert answer["patient"]["timeZone"] == zone

"""The supervisors' figures, and who is at work, as clients ask for them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from gql_app.access import Viewer
from gql_app.schema import loaders
from gql_app.schema.ids import global_id
from gql_app.work.reads.at_work import QueueAtWork, staff_at_work
from models.lifecycle import ContactOutcome
from tests.office import Office
from tests.serving import Server
from tests.work.agents import claims_of, make_agents

FIGURES = """{
  contacts { noAnswer leftMessage didNotSchedule scheduled total } tasksOpened
  tasksClosed { contact expired appointmentBooked withdrawn doNotContact maxAttempts total }
  expiredUntouched
  medianAttemptsToScheduled medianHoursToScheduled
}"""

ACTIVITY = f"""query ($from: Date!, $to: Date!, $bucket: BucketSize! = DAY, $queueIds: [ID!]) {{
  activity(from: $from, to: $to, bucket: $bucket, queueIds: $queueIds) {{
    from to buckets {{ begin end figures {FIGURES} }}
    byQueue {{ queue {{ id name counts {{ open }} }} figures {FIGURES} }}
    byStaff {{ staff {{ id name }} contacts {{ scheduled total }} tasksClosed }}
    total {FIGURES}
  }}
}}"""

AT_WORK = "{ queues { id staffAtWork { staff { name } tasks until } } }"

NOTHING = {
    "contacts": dict.fromkeys(
        ("noAnswer", "leftMessage", "didNotSchedule", "scheduled", "total"), 0
    ),
    "tasksOpened": 0,
    "tasksClosed": dict.fromkeys(
        (
            "contact",
            "expired",
            "appointmentBooked",
            "withdrawn",
            "doNotContact",
            "maxAttempts",
            "total",
        ),
        0,
    ),
    "expiredUntouched": 0,
    "medianAttemptsToScheduled": None,
    "medianHoursToScheduled": None,
}


def these_days(office: Office, days: int = 1) -> dict[str, str]:
    first = office.today - timedelta(days=days - 1)
    return {"from": first.isoformat(), "to": office.today.isoformat()}


async def test_a_supervisor_is_told_what_was_done(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    office.clock.advance(seconds=36)
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    await office.log(task, ContactOutcome.SCHEDULED, close=True)

    given = these_days(office, 3)
    found = (await server.data(ACTIVITY, "supervisor", **given))["activity"]

    done = NOTHING | {
        "contacts": NOTHING["contacts"] | {"leftMessage": 1, "scheduled": 1, "total": 2},  # type: ignore[operator]
        "tasksOpened": 1,
        "tasksClosed": NOTHING["tasksClosed"] | {"contact": 1, "total": 1},  # type: ignore[operator]
        "medianAttemptsToScheduled": 2,
        "medianHoursToScheduled": 0.01,
    }
    assert (found["from"], found["to"], found["total"]) == (given["from"], given["to"], done)
    assert [bucket["figures"] for bucket in found["buckets"]] == [NOTHING, NOTHING, done]
    begins = [datetime.fromisoformat(bucket["begin"]) for bucket in found["buckets"]]
    assert [begin.date().isoformat() for begin in begins][::2] == [given["from"], given["to"]]
    assert {(begin.hour, begin.minute) for begin in begins} == {(0, 0)}
    assert [bucket["begin"] for bucket in found["buckets"][1:]] == [
        bucket["end"] for bucket in found["buckets"][:-1]
    ]
    assert [(row["queue"]["name"], row["figures"]) for row in found["byQueue"]] == [
        ("Overdue recall", done),
        ("Missed appointments", NOTHING),
    ]
    assert found["byStaff"] == [
        {
            "staff": {"id": global_id("Staff", office.staff.staff_id), "name": "Staff of maple"},
            "contacts": {"scheduled": 1, "total": 2},
            "tasksClosed": 1,
        }
    ]


async def test_queue_ids_and_the_size_of_the_buckets_are_taken_up(server: Server) -> None:
    await server.office.make_task()
    missed = global_id("Queue", server.office.missed.id)
    given = these_days(server.office) | {"bucket": "HOUR", "queueIds": [missed]}
    found = (await server.data(ACTIVITY, "supervisor", **given))["activity"]
    assert [row["queue"]["id"] for row in found["byQueue"]] == [missed]
    assert [bucket["figures"] for bucket in found["buckets"]] == [NOTHING] * len(found["buckets"])
    assert 23 <= len(found["buckets"]) <= 25


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_refused_has_a_code(server: Server) -> None:
    given = these_days(server.office)
    backwards = {"from": "2026-05-12", "to": "2026-05-11"}
    for role, asked, code in (
        ("staff", given, "FORBIDDEN"),
        ("partner", given, "FORBIDDEN"),
        ("staff", backwards, "FORBIDDEN"),
        ("supervisor", backwards, "BAD_USER_INPUT"),
        ("supervisor", {"from": "2025-01-01", "to": "2026-05-11"}, "BAD_USER_INPUT"),
        ("supervisor", {"from": "9999-12-31", "to": "9999-12-31"}, "BAD_USER_INPUT"),
        ("supervisor", given | {"queueIds": ["garbage"]}, "BAD_USER_INPUT"),
    ):
        answer: dict[str, Any] = await server.execute(ACTIVITY, role, **asked)
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_a_queue_says_who_is_at_work_there(server: Server) -> None:
    office = server.office
    (agent,) = await make_agents(office, 1)
    for patient, queue, viewer in zip(
        office.patients,
        (office.recall, office.recall, office.missed),
        (office.staff, agent, agent),
        strict=True,
    ):
        task = await office.make_task(queue, patient=patient)
        await claims_of(office).claim(viewer, task.id)

    until = (office.clock() + timedelta(minutes=10)).isoformat()
    held = {"tasks": 1, "until": until}
    for role, recall in (
        ("staff", [{"name": "Agent 0"}, {"name": "Staff of maple"}]),
        ("supervisor", [{"name": "Agent 0"}, {"name": "Staff of maple"}]),
        ("partner", []),
    ):
        found = (await server.data(AT_WORK, role))["queues"]
        assert found[0]["staffAtWork"] == [{"staff": staff} | held for staff in recall]
        assert [row["staff"]["name"] for row in found[1]["staffAtWork"]] == [
            staff["name"] for staff in recall[:1]
        ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_all_queues_are_asked_about_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []

    async def noting(viewer: Viewer, queue_ids: list[int], now: datetime) -> list[QueueAtWork]:
        asked.append(queue_ids)
        return await staff_at_work(viewer, queue_ids, now)

    monkeypatch.setattr(loaders, "staff_at_work", noting)
    await server.data(AT_WORK)
    assert asked == [[server.office.recall.id, server.office.missed.id]]

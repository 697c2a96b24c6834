"""What a client may send to reach what its key does not allow, root field by root field.

Each attack is a function of what it names. It is carried out with what is hidden, with what belongs
to another practice, and with what is not there at all; the three answers must be the same.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.office import task_id
from tests.schema.hidden import SOURCE, Named, World

Variables = dict[str, Any]
Attack = Callable[[World, Named], Variables]

ANY = ["OPEN", "IN_PROGRESS", "CLOSED"]
FAR = "2999-01-01T00:00:00Z"


def _postpone(world: World, task: str, **given: Any) -> Variables:
    tomorrow = (world.office.today + timedelta(days=1)).isoformat()
    return {"taskId": task, "followUp": tomorrow, "reason": "The line was busy"} | given


def _log(world: World, task: str, **given: Any) -> Variables:
    tomorrow = (world.office.today + timedelta(days=1)).isoformat()
    return {"taskId": task, "outcome": "NO_ANSWER", "followUp": tomorrow} | given


def _also(task: str) -> Variables:
    return {"taskId": task, "outcome": "NO_ANSWER", "close": True}


def _booked(external_id: str) -> Variables:
    appointment = {"at": FAR, "externalId": external_id}
    return {"outcome": "SCHEDULED", "followUp": None, "close": True, "appointment": appointment}


def _create(world: World, **given: Any) -> Variables:
    return {"input": {"queueId": _seen(world), "patientId": _shared(world), "reason": "x"} | given}


def _import(world: World, queue: str | None = None, **given: Any) -> Variables:
    row = {"externalId": "t1", "name": "Fern", "phone": "+12175550123", "reason": "x"}
    rows = {"source": SOURCE, "rows": [row | given]}
    return {"input": {"queueId": queue or _seen(world)} | rows}


def _order(world: World, import_id: str) -> Variables:
    return {"importId": import_id, "queueId": _seen(world), "source": SOURCE, "matching": None}


def _move(**given: Any) -> Variables:
    return {"input": given}


def _invite(**given: Any) -> Variables:
    return {"input": {"name": "Desk hand", "role": "STAFF"} | given}


def _called(named: Named) -> Variables:
    return {"source": SOURCE, "id": named.called}


def _seen(world: World) -> str:
    return global_id("Queue", world.office.recall.id)


def _shared(world: World) -> str:
    return global_id("Patient", world.office.patients[0].id)


def _me(world: World) -> str:
    return global_id("Staff", world.viewer.staff_id)


def _start(world: World) -> str:
    return event_cursor(world.office.practice.id, Position(0))


MUTATIONS: dict[str, list[Attack]] = {
    "logContact": [
        lambda w, n: _log(w, n.task),
        lambda w, n: _log(w, n.task, outcome="SCHEDULED", followUp=None, close=True),
        lambda w, n: _log(w, n.task, outcome="SCHEDULED"),
        lambda w, n: _log(w, n.task, expectedVersion=999),
        lambda w, n: _log(w, n.task, idempotencyKey=n.log_key),
        lambda w, n: _log(w, n.claimed),
        lambda w, n: _log(w, n.moved),
        lambda w, n: _log(w, task_id(w.seen), idempotencyKey=n.log_key),
        lambda w, n: _log(w, task_id(w.seen), others=[_also(n.task)]),
        lambda w, n: _log(w, task_id(w.seen), others=[_also(n.claimed), _also(n.moved)]),
        lambda w, n: _log(w, n.task, others=[_also(task_id(w.seen))]),
        lambda w, n: _log(w, n.task, **_booked(n.booking)),
    ],
    "postponeTask": [
        lambda w, n: _postpone(w, n.task),
        lambda w, n: _postpone(w, n.task, expectedVersion=999),
        lambda w, n: _postpone(w, n.claimed),
        lambda w, n: _postpone(w, n.moved),
    ],
    "resumeTask": [
        lambda w, n: {"taskId": n.task},
        lambda w, n: {"taskId": n.claimed, "followUp": "2999-01-01"},
        lambda w, n: {"taskId": n.moved, "expectedVersion": 999},
    ],
    "undoContact": [
        lambda w, n: {"contactId": n.contact},
        lambda w, n: {"contactId": n.contact, "reason": "x"},
        lambda w, n: {"contactId": n.contact, "reason": "x", "idempotencyKey": n.log_key},
    ],
    "reopenTask": [
        lambda w, n: {"taskId": n.task, "reason": "x"},
        lambda w, n: {"taskId": n.moved, "reason": "", "followUp": "2999-01-01"},
    ],
    "claimNextTask": [lambda w, n: {"queueIds": [n.queue]}],
    "claimTask": [
        lambda w, n: {"taskId": n.task},
        lambda w, n: {"taskId": n.claimed},
        lambda w, n: {"taskId": n.moved},
    ],
    "releaseTask": [lambda w, n: {"taskId": n.task}, lambda w, n: {"taskId": n.claimed}],
    "createTask": [
        lambda w, n: _create(w, patientId=n.patient),
        lambda w, n: _create(w, patientId=n.newcomer),
        lambda w, n: _create(w, queueId=n.queue),
        lambda w, n: _create(w, patientId=n.patient, idempotencyKey=n.creation_key),
        lambda w, n: _create(w, idempotencyKey=n.creation_key),
    ],
    "importTasks": [
        lambda w, n: _import(w) | {"input": _import(w)["input"] | {"queueId": n.queue}}
    ],
    "recordAppointment": [
        lambda w, n: {"patientId": n.patient, "at": FAR, "externalId": "new booking"},
        lambda w, n: {"patientId": n.patient, "at": FAR, "externalId": n.booking},
        lambda w, n: {"patientId": n.newcomer, "at": FAR, "externalId": "newer booking"},
    ],
    "cancelAppointment": [
        lambda w, n: {"externalId": n.booking},
        lambda w, n: {"id": n.appointment},
    ],
    "setAppointmentStatus": [
        lambda w, n: {"externalId": n.booking, "status": "MISSED"},
        lambda w, n: {"id": n.appointment, "status": "SCHEDULED"},
    ],
    "reassignTasks": [
        lambda w, n: _move(ids=[n.task], toQueueId=_seen(w), dryRun=True),
        lambda w, n: _move(filter={"assigneeId": n.staff, "status": ANY}, toQueueId=_seen(w)),
        lambda w, n: _move(filter={"queueIds": [n.queue], "status": ANY}, toStaffId=_me(w)),
        lambda w, n: _move(ids=[n.task, n.claimed, n.moved], toQueueId=_seen(w)),
        lambda w, n: _move(ids=[n.task], toStaffId=_me(w)),
        lambda w, n: _move(ids=[task_id(w.seen)], toQueueId=n.queue),
        lambda w, n: _move(ids=[task_id(w.seen)], toStaffId=n.staff),
    ],
    "withdrawTasks": [
        lambda w, n: _move(ids=[n.task], reason="x", dryRun=True),
        lambda w, n: _move(filter={"assigneeId": n.staff, "status": ANY}, reason="x"),
        lambda w, n: _move(filter={"queueIds": [n.queue], "status": ANY}, reason="x"),
        lambda w, n: _move(ids=[n.task, n.claimed, n.moved], reason="x"),
    ],
    "setTaskPriority": [
        lambda w, n: _move(ids=[n.task], priority="HIGH", dryRun=True),
        lambda w, n: _move(filter={"assigneeId": n.staff, "status": ANY}, priority="HIGH"),
        lambda w, n: _move(filter={"queueIds": [n.queue], "status": ANY}, priority="HIGH"),
        lambda w, n: _move(ids=[n.task, n.claimed, n.moved], priority="HIGH"),
    ],
    "startImport": [
        lambda w, n: {"input": _order(w, n.import_)},
        lambda w, n: {"input": _order(w, n.import_) | {"queueId": n.queue}},
    ],
    "mendImportRow": [
        lambda w, n: {"input": {"importId": n.import_, "line": 2, "cells": []}},
    ],
    "undoImport": [lambda w, n: {"importId": n.import_}],
    "updatePractice": [lambda w, n: {"input": {"timeZone": "nowhere"}}],
    "createQueue": [lambda w, n: {"input": {"name": ""}}],
    "updateQueue": [lambda w, n: {"input": {"id": n.queue, "name": "Other", "position": 0}}],
    "createPatient": [],  # it names nobody but by an external id: see below
    "updatePatient": [
        lambda w, n: {"input": {"patientId": n.patient, "name": "Fern"}},
        lambda w, n: {"input": {"patientId": n.newcomer, "name": "Fern", "expectedVersion": 9}},
    ],
    "markWrongNumber": [
        lambda w, n: {"patientId": n.patient, "number": "tel:+12175559876"},
        lambda w, n: {"patientId": n.newcomer, "number": "x", "isWrong": False},
    ],
    "setContactStatus": [
        lambda w, n: {"patientId": n.patient, "status": "DO_NOT_CONTACT", "reason": "x"},
        lambda w, n: {"patientId": n.newcomer, "status": "DECEASED"},
        lambda w, n: {"patientId": n.patient, "status": "OK"},
    ],
    "setGuarantor": [
        lambda w, n: {"patientId": _shared(w), "guarantorId": n.patient},
        lambda w, n: {"patientId": n.patient, "guarantorId": _shared(w)},
        lambda w, n: {"patientId": n.newcomer, "guarantorId": None},
        lambda w, n: {"patientId": n.patient, "guarantorId": n.newcomer},
    ],
    "mergePatients": [
        lambda w, n: {"survivorId": _shared(w), "mergedId": n.patient},
        lambda w, n: {"survivorId": n.patient, "mergedId": _shared(w), "dryRun": True},
        lambda w, n: {"survivorId": n.patient, "mergedId": n.newcomer},
    ],
    "unmergePatients": [
        lambda w, n: {"mergeId": n.merge},
        lambda w, n: {"mergeId": n.merge, "keepLaterChanges": True},
    ],
    "endSession": [lambda w, n: {"id": n.session}],
    "removePasskey": [lambda w, n: {"id": n.passkey}],
    "inviteStaff": [lambda w, n: _invite(queueIds=[_seen(w), n.queue])],
    "renewInvite": [lambda w, n: {"id": n.staff}],
    "updateStaff": [
        lambda w, n: {"input": {"id": n.staff, "name": "Mine"}},
        lambda w, n: {"input": {"id": n.staff, "role": "ADMIN", "queueIds": None}},
    ],
    "retireStaff": [lambda w, n: {"id": n.staff}],
    "restoreStaff": [lambda w, n: {"id": n.staff}],
    "createKey": [lambda w, n: _invite(queueIds=[_seen(w), n.queue])],
    "rotateKey": [lambda w, n: {"id": n.access_key}],
    "revokeKey": [lambda w, n: {"id": n.access_key}],
    # Last, for others need its queue.
    "archiveQueue": [
        lambda w, n: {"input": {"id": n.queue}},
        lambda w, n: {"input": {"id": _seen(w), "moveTo": n.queue}},
    ],
}

NAMELESS = {"updatePractice", "createQueue"}
"""What names nothing that could be hidden."""

PERSONAL = {"endSession", "removePasskey"}
"""What reaches one's own only: not even a supervisor's key ends another's session."""

QUERIES: dict[str, list[Attack]] = {
    "viewer": [lambda w, n: {}],
    "practice": [lambda w, n: {}],
    "queues": [lambda w, n: {}, lambda w, n: {"includeArchived": True}],
    "queue": [lambda w, n: {"id": n.queue}],
    "task": [
        lambda w, n: {"id": n.task},
        lambda w, n: {"id": n.moved},
        lambda w, n: {"externalId": {"source": SOURCE, "id": n.task_called}},
    ],
    "patient": [
        lambda w, n: {"id": n.patient},
        lambda w, n: {"id": n.newcomer},
        lambda w, n: {"externalId": _called(n)},
    ],
    "patients": [
        lambda w, n: {},
        lambda w, n: {"search": "canary"},
        lambda w, n: {"search": "9876"},
        lambda w, n: {"externalId": _called(n)},
    ],
    "node": [
        *(
            lambda w, n, field=field: {"id": getattr(n, field)}
            for field in (
                *("task", "moved", "queue", "patient", "newcomer", "contact", "staff"),
                "appointment",
            )
        )
    ],
    "tasks": [
        *(
            lambda w, n, order=order: {"orderBy": order}
            for order in ("DUE", "EXPIRES", "CREATED", "LAST_CONTACTED")
        ),
        lambda w, n: {"filter": {"status": ANY}},
        lambda w, n: {"filter": {"queueIds": [n.queue]}},
        lambda w, n: {"filter": {"patient": "canary"}},
        lambda w, n: {"filter": {"patient": "9876"}},
        lambda w, n: {"filter": {"assigneeId": n.staff}},
        lambda w, n: {"filter": {"minContacts": 1}},
        lambda w, n: {"filter": {"lastOutcome": ["NO_ANSWER"]}},
        lambda w, n: {"orderBy": "WORK", "filter": {"priority": ["HIGH", "NORMAL"]}},
    ],
    "events": [
        lambda w, n: {},
        lambda w, n: {"after": _start(w), "first": 100},
        lambda w, n: {"queueIds": [n.queue]},
    ],
    "activity": [
        lambda w, n: _today(w),
        lambda w, n: _today(w) | {"queueIds": [n.queue]},
    ],
    "staff": [lambda w, n: {"includeRetired": True}],
    "assignees": [lambda w, n: {}],
    "keys": [lambda w, n: {}],
    "importJobs": [lambda w, n: {}],
    "importJob": [lambda w, n: {"id": n.import_}],
    "importPreview": [lambda w, n: {"input": _order(w, n.import_)}],
    "audit": [
        lambda w, n: {"patientId": n.patient},
        lambda w, n: {"staffId": n.staff},
    ],
}

SUBSCRIPTIONS: dict[str, list[Attack]] = {
    name: [
        lambda w, n: {},
        lambda w, n: {"after": _start(w)},
        lambda w, n: {"queueIds": [_seen(w)], "after": _start(w)},
    ]
    for name in ("taskStatusChanged", "queueFeed")
}
"""A queue that is not the key's is refused, which tests/schema/test_roles.py shows."""

ENDED: dict[str, list[Attack]] = {"importProgress": [lambda w, n: {"importId": n.import_}]}
"""Subscriptions to one thing: refused, if it is not for the key."""

ALONE: dict[str, list[Attack]] = {
    "claimNextTask": [lambda w, n: {}, lambda w, n: {"skip": [n.task]}],
    "postponeTask": [lambda w, n: _postpone(w, task_id(w.seen))],
    "claimTask": [lambda w, n: {"taskId": task_id(w.seen)}],
    "logContact": [
        lambda w, n: _log(w, task_id(w.seen)),
        lambda w, n: _log(w, task_id(w.seen), **_booked(n.booking)),
        lambda w, n: _log(w, task_id(w.seen), **_booked("of the seen patient")),
    ],
    "releaseTask": [lambda w, n: {"taskId": task_id(w.seen)}],
    "importTasks": [
        lambda w, n: _import(w, patientExternalId="hidden patient 0"),
        lambda w, n: _import(w, externalId="hidden patient 1"),
        lambda w, n: _import(w, externalId="hidden task", patientExternalId="new patient"),
        lambda w, n: _import(w, externalId="hidden task", patientExternalId="hidden patient 0"),
        lambda w, n: _import(w, externalId="other task", patientExternalId="shared patient"),
    ],
    "createPatient": [
        lambda w, n: {
            "input": {"name": "Fern", "phone": "+12175550123", "externalId": _called(w.named)}
        },
    ],
    "updatePatient": [
        lambda w, n: {"input": {"patientId": _shared(w), "externalId": _called(w.named)}},
    ],
    "withdrawTasks": [lambda w, n: _move(filter={"patient": "canary"}, reason="x")],
    "setTaskPriority": [lambda w, n: _move(filter={"patient": "canary"}, priority="LOW")],
    "reassignTasks": [lambda w, n: _move(filter={"patient": "9876"}, toQueueId=_seen(w))],
    "recordAppointment": [
        lambda w, n: {"patientId": _shared(w), "at": FAR, "externalId": n.booking},
        lambda w, n: {"patientId": _shared(w), "at": FAR, "externalId": "of the seen patient"},
    ],
}
"""What names something that has nothing like it elsewhere, or what the key may do: only nothing of
what is hidden may appear or change."""


def _today(world: World) -> Variables:
    today = world.office.today.isoformat()
    return {"from": today, "to": today}


LAST = "The end of the test"


def work_in_the_hidden_queue(world: World) -> list[tuple[str, Variables]]:
    """A day's work on what is hidden, and on a task that is moved there; then one that is seen."""
    hidden = global_id("Queue", world.office.missed.id)
    of_newcomer = {"queueId": hidden, "patientId": world.named.newcomer, "reason": "Canary reason"}
    moving = task_id(world.seen)
    return [
        ("createTask", {"input": of_newcomer}),
        ("claimTask", {"taskId": world.named.task}),
        ("logContact", _log(world, world.named.task, notes="Canary notes")),
        ("postponeTask", _postpone(world, world.named.task, reason="Canary reason")),
        ("reassignTasks", _move(ids=[moving], toQueueId=hidden)),
        ("logContact", _log(world, moving, notes="Canary notes")),
        ("withdrawTasks", _move(ids=[moving], reason="Canary withdrawn")),
        ("createTask", _create(world, reason=LAST)),
    ]

"""Those who use a practice's queues all day: agents, supervisors and partners' programs.

Each speaks to a server as its own program would, over HTTP or a WebSocket. What they see is kept in
a `Ledger`, and so is what must never happen.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from models.call_back import CallBackBy
from models.lifecycle import ContactOutcome

TIME_ZONE = ZoneInfo("America/Chicago")
"""That of the practice."""

CLAIM = """mutation ($skip: [ID!]) { claimNextTask(skip: $skip) {
  task { id version followUpAt patient { id } } reason nextAt errors { code message } } }"""
POSTPONE = """mutation ($task: ID!, $day: Date!) {
  postponeTask(taskId: $task, followUp: $day, reason: "The line was busy") {
    errors { code message } } }"""
LOG = """mutation ($task: ID!, $outcome: ContactOutcome!, $day: Date, $notes: String,
                   $close: Boolean!, $key: String!, $time: LocalTime, $by: CallBackBy) {
  logContact(taskId: $task, outcome: $outcome, followUp: $day, notes: $notes, close: $close,
             idempotencyKey: $key, followUpTime: $time, callBackBy: $by) {
    contact { id } errors { code message } } }"""
RELEASE = "mutation ($task: ID!) { releaseTask(taskId: $task) { errors { code message } } }"
CREATE = """mutation ($input: CreateTaskInput!) {
  createTask(input: $input) { task { id } errors { code message } } }"""
BOOK = """mutation ($patient: ID!, $at: DateTime!, $external: String!) {
  recordAppointment(patientId: $patient, at: $at, externalId: $external) {
    appointment { externalId } errors { code message } } }"""
CANCEL = """mutation ($external: String!) {
  cancelAppointment(externalId: $external) { errors { code message } } }"""
UNDO = "mutation ($id: ID!) { undoContact(contactId: $id) { errors { code message } } }"
FIGURES = "open notContacted inProgress dueToday overdue closedToday"
FEED = f"""subscription ($after: String) {{ queueFeed(after: $after) {{
  __typename
  ... on QueueSnapshot {{ seq cursor queues {{ queue {{ id }} counts {{ {FIGURES} }} }} }}
  ... on TaskEvent {{ seq cursor at task {{ id status version }} }}
  ... on QueueCounts {{ seq queue {{ id }} {FIGURES} }}
  ... on Heartbeat {{ seq cursor }}
}} }}"""


@dataclass
class Ledger:
    """What happened, in seconds and by idempotency key, and what should not have."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    on_the_phone: dict[str, str] = field(default_factory=dict)
    patients: list[str] = field(default_factory=list)
    claim_seconds: list[float] = field(default_factory=list)
    lag_seconds: list[float] = field(default_factory=list)
    created: int = 0
    booked: int = 0
    cancelled: int = 0
    undone: int = 0
    postponed: int = 0
    skipped: int = 0
    nothing_next: int = 0
    promised: int = 0
    call_back_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Refused(Exception):
    """A request was not answered: nobody here asks for anything that could be refused so."""


class Caller:
    """One key's end of HTTP. What is not answered is sent again: each request can be."""

    def __init__(self, url: str, key: str, ledger: Ledger) -> None:
        self.ledger = ledger
        self._headers = {"authorization": f"Bearer {key}"}
        self._url = f"{url}/graphql"
        self._client = httpx.AsyncClient(timeout=30)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The answer's only field."""
        body = {"query": query, "variables": variables}
        while True:
            try:
                answer = await self._client.post(self._url, json=body, headers=self._headers)
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        told = answer.json()
        if told.get("errors"):
            raise Refused(told["errors"][0]["message"])
        [payload] = told["data"].values()
        return payload


class Agent(Caller):
    """Claims the next patient, calls, logs what came of it. Some are given back, skipped or
    postponed instead."""

    def __init__(self, name: str, *given: Any) -> None:
        super().__init__(*given)
        self._name = name

    async def work(self, until: float) -> None:
        while time.monotonic() < until:
            task = await self._next()
            if task is not None and random.random() < 0.03:
                task = await self._skip(task)
            if task is not None:
                await self._call(task["id"], task["patient"]["id"])
            else:
                await asyncio.sleep(0.2)

    async def _next(self, skip: tuple[str, ...] = ()) -> Any:
        """The next task, None if there is none now: then it is said why."""
        begun = time.monotonic()
        claimed = await self.ask(CLAIM, skip=skip)
        self.ledger.claim_seconds.append(time.monotonic() - begun)
        if claimed["task"] is not None and claimed["task"]["followUpAt"] is not None:
            late = datetime.now(UTC) - datetime.fromisoformat(claimed["task"]["followUpAt"])
            self.ledger.call_back_seconds.append(late.total_seconds())
            if late < timedelta(0):
                self.ledger.wrong.append(f"{self._name} was to call back before it was time")
        if claimed["task"] is None:
            self.ledger.nothing_next += 1
            if not claimed["reason"]:
                self.ledger.wrong.append(f"{self._name} got no task, and was not told why")
        return claimed["task"]

    async def _skip(self, task: Any) -> Any:
        """Give a task back for the next one, which is another patient's."""
        await self.ask(RELEASE, task=task["id"])
        self.ledger.skipped += 1
        other = await self._next((task["id"],))
        if other is not None and other["patient"]["id"] == task["patient"]["id"]:
            self.ledger.wrong.append(f"{self._name} got a patient who was skipped")
        return other

    async def _call(self, task: str, patient: str) -> None:
        calling = self.ledger.on_the_phone
        if patient in calling:
            self.ledger.wrong.append(f"{self._name} and {calling[patient]} call the same patient")
        calling[patient] = self._name
        await asyncio.sleep(random.uniform(0.2, 1.0))
        calling.pop(patient, None)  # from here on the server may have given the patient away
        chance = random.random()
        if chance < 0.05:
            await self.ask(RELEASE, task=task)
            return
        if chance < 0.08:
            await self._postpone(task)
            return
        await self._log(task)

    async def _postpone(self, task: str) -> None:
        day = (date.today() + timedelta(days=random.randint(1, 30))).isoformat()
        refused = {e["code"] for e in (await self.ask(POSTPONE, task=task, day=day))["errors"]}
        self.ledger.postponed += not refused
        if refused - {"TASK_CLOSED"}:
            self.ledger.wrong.append(f"not postponed: {refused}")

    async def _log(self, task: str) -> None:
        key = uuid4().hex
        log = {"task": task, "key": key, **random.choice(OUTCOMES)}
        if log["day"]:
            log["day"] = (date.today() + timedelta(days=random.randint(1, 30))).isoformat()
        if log["day"] and random.random() < 0.1:
            log |= _promise()
            self.ledger.promised += 1
        # A client that is not sure that it was heard sends again, at times before the answer.
        times = 2 if random.random() < 0.1 else 1
        answers = await asyncio.gather(*(self.ask(LOG, **log) for _ in range(times)))
        contacts = {answer["contact"]["id"] for answer in answers if answer.get("contact")}
        if len(contacts) == 1:
            self.ledger.acknowledged[key] = contact = contacts.pop()
            if random.random() < 0.04:
                await self._undo(contact)
        else:
            refused = [e["code"] for answer in answers for e in answer["errors"]]
            # Partners book, supervisors withdraw: a task may be closed while its patient is called.
            if contacts or set(refused) != {"TASK_CLOSED"}:
                self.ledger.wrong.append(f"one log: contacts {contacts}, refusals {refused}")

    async def _undo(self, contact: str) -> None:
        """It was a slip. Somebody may have gone on from it already."""
        refused = {e["code"] for e in (await self.ask(UNDO, id=contact))["errors"]}
        self.ledger.undone += not refused
        if refused - {"FOLLOWED", "CLAIMED_BY_OTHER"}:
            self.ledger.wrong.append(f"not undone: {refused}")


def _promise() -> dict[str, Any]:
    """A call-back in some seconds, by who has promised it or by anyone."""
    at = (datetime.now(UTC) + timedelta(seconds=random.randint(5, 20))).astimezone(TIME_ZONE)
    by = random.choice(list(CallBackBy))
    return {"day": at.date().isoformat(), "time": f"{at:%H:%M:%S}", "by": by}


OUTCOMES: list[dict[str, Any]] = [
    {"outcome": ContactOutcome.NO_ANSWER, "day": True, "notes": None, "close": False},
    {"outcome": ContactOutcome.LEFT_MESSAGE, "day": True, "notes": "Voicemail", "close": False},
    {
        "outcome": ContactOutcome.DID_NOT_SCHEDULE,
        "day": True,
        "notes": "Busy this month",
        "close": False,
    },
    {"outcome": ContactOutcome.SCHEDULED, "day": None, "notes": None, "close": True},
    {
        "outcome": ContactOutcome.DID_NOT_SCHEDULE,
        "day": None,
        "notes": "Has moved away",
        "close": True,
    },
]


class Partner(Caller):
    """A program at a partner's: makes tasks, and records appointments."""

    async def work(self, until: float, queue: str) -> None:
        while time.monotonic() < until:
            patient = random.choice(self.ledger.patients)
            if random.random() < 0.5:
                new = {"queueId": queue, "patientId": patient, "reason": "Referral"}
                self.ledger.created += bool((await self.ask(CREATE, input=new)).get("task"))
            else:
                at = (datetime.now(UTC) + timedelta(days=14)).isoformat()
                external = uuid4().hex
                booked = await self.ask(BOOK, patient=patient, at=at, external=external)
                self.ledger.booked += bool(booked.get("appointment"))
                if random.random() < 0.3:
                    refused = (await self.ask(CANCEL, external=external))["errors"]
                    self.ledger.cancelled += not refused
            await asyncio.sleep(0.1)


class Supervisor:
    """Follows every queue, and knows at any time what its dashboard shows."""

    def __init__(self, url: str, key: str, ledger: Ledger) -> None:
        self.seq = 0
        self.counts: dict[str, dict[str, int]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self._cursor: str | None = None
        self._url = url.replace("http", "ws", 1) + "/graphql"
        self._key = key
        self._ledger = ledger

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with connect(
                    self._url, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None
                ) as socket:
                    await self._listen(socket)
            except (OSError, ConnectionClosed):
                await asyncio.sleep(0.2)

    async def reach(self, seq: int, within: float) -> None:
        """Wait until it has been told all up to event `seq`. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while self.seq < seq:
                await asyncio.sleep(0.05)

    async def _listen(self, socket: ClientConnection) -> None:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {self._key}"}}
        await socket.send(json.dumps(init))
        payload = {"query": FEED, "variables": {"after": self._cursor}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for text in socket:
            message = json.loads(text)
            match message["type"]:
                case "next":
                    self._take(message["payload"]["data"]["queueFeed"])
                case "ping":
                    await socket.send('{"type":"pong"}')
                case "error":
                    self._ledger.wrong.append(f"a feed ended: {message['payload']}")

    def _take(self, told: dict[str, Any]) -> None:
        match told["__typename"]:
            case "QueueSnapshot":
                self.counts = {q["queue"]["id"]: q["counts"] for q in told["queues"]}
            case "TaskEvent":
                if told["seq"] != self.seq + 1 and self.seq:
                    self._ledger.wrong.append(f"event {told['seq']} came after {self.seq}")
                lag = datetime.now(UTC) - datetime.fromisoformat(told["at"])
                self._ledger.lag_seconds.append(lag.total_seconds())
                self.tasks[told["task"]["id"]] = told["task"]
            case "QueueCounts":
                self.counts[told["queue"]["id"]] = {name: told[name] for name in FIGURES.split()}
        self.seq, self._cursor = told["seq"], told.get("cursor", self._cursor)

"""Two colleagues who work the queues of the sample practice while a newcomer looks on.

They are clients as others are: each has a key, claims the next task over HTTP, takes its time, and
logs what came of the call. Each works in a thread, and ends with the demo.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event, Thread
from typing import Any, NamedTuple

from gql_app.commands.demo.sample import notes_on, outcomes

LEFT = 25
"""Due tasks of a queue that they leave to people. Some are of patients whom they have called for
another task, and who rest."""
CLOSES = 0.3
"""How many of their calls end the task."""
PATIENCE = 10.0
"""Seconds after which a request has failed."""

SEEDS = (15, 42)
"""With these the first calls are short: a newcomer sees the page move within seconds."""

LOOK = "{ queues { id counts { notContacted dueToday overdue } } viewer { practice { now } } }"
CLAIM = """mutation ($queueIds: [ID!]) {
  claimNextTask(queueIds: $queueIds) { task { id suggestedFollowUp } errors { message } }
}"""
LOG = """mutation (
  $task: ID!, $outcome: ContactOutcome!, $followUp: Date, $notes: String, $close: Boolean!
) {
  logContact(
    taskId: $task, outcome: $outcome, followUp: $followUp, notes: $notes, close: $close
  ) { errors { message } }
}"""
RELEASE = "mutation ($task: ID!) { releaseTask(taskId: $task) { errors { message } } }"


class Pauses(NamedTuple):
    """Seconds, from and to: before the first call, of a call, between calls, and after trouble."""

    first: tuple[float, float] = (1, 2)
    call: tuple[float, float] = (3, 15)
    rest: tuple[float, float] = (4, 12)
    trouble: tuple[float, float] = (10, 20)


PAUSES = Pauses()


class Refused(Exception):
    """The server does not do what was asked."""


class Colleague:
    """Somebody who calls. `seed` decides what comes of the calls."""

    def __init__(
        self, address: tuple[str, int], key: str, seed: int, pauses: Pauses = PAUSES
    ) -> None:
        self._address = address
        self._key = key
        self._dice = Random(seed)  # noqa: S311 - nothing is kept secret by it
        self._pauses = pauses

    def work(self, stopped: Event) -> None:
        """Call one patient after another until told to stop. After a call that fails go on with the
        next: the claim ends by itself."""
        pause = self._pauses.first
        while not stopped.wait(self._dice.uniform(*pause)):
            pause = self._pauses.rest
            try:
                self.call_next(stopped)
            except (OSError, HTTPException, ValueError, Refused):
                pause = self._pauses.trouble

    def call_next(self, stopped: Event) -> None:
        """Claim the next task, if there are enough, and log a contact. Raises `Refused`."""
        now = self._ask(LOOK)
        free = [queue["id"] for queue in now["queues"] if sum(queue["counts"].values()) > LEFT]
        task = self._change(CLAIM, queueIds=free).get("task") if free else None
        if task is None or stopped.wait(self._dice.uniform(*self._pauses.call)):
            return
        today = datetime.fromisoformat(now["viewer"]["practice"]["now"]).date()
        try:
            self._change(LOG, task=task["id"], **self._said(task["suggestedFollowUp"], today))
        except Refused:
            self._change(RELEASE, task=task["id"])

    def _said(self, suggested: str | None, today: date) -> dict[str, object]:
        """What came of a call, as the form's fields."""
        close = self._dice.random() < CLOSES
        outcome = self._dice.choice(outcomes(close=close))
        later = today + timedelta(days=self._dice.randint(1, 9))
        return {
            "outcome": outcome,
            "followUp": None if close else suggested or str(later),
            "notes": self._dice.choice(notes_on(outcome)),
            "close": close,
        }

    def _change(self, mutation: str, **variables: object) -> dict[str, Any]:
        payload: dict[str, Any]
        (payload,) = self._ask(mutation, **variables).values()
        if payload["errors"]:
            raise Refused(payload["errors"][0]["message"])
        return payload

    def _ask(self, document: str, **variables: object) -> dict[str, Any]:
        connection = HTTPConnection(*self._address, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        body = json.dumps({"query": document, "variables": variables})
        try:
            connection.request("POST", "/graphql", body, headers)
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        if "data" not in answer or answer.get("errors"):
            raise Refused(str(answer))
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def at_work(address: tuple[str, int], keys: Sequence[str]) -> Iterator[None]:
    """A colleague for each key, for as long as the block lasts."""
    stopped = Event()
    threads = [
        # Daemons: where the server ends by a signal, nobody tells them to stop.
        Thread(target=Colleague(address, key, seed).work, args=(stopped,), daemon=True)
        for seed, key in zip(SEEDS, keys, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join(PATIENCE)

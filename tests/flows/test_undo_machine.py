"""Agents who claim, log, undo and reopen: dashboards are told all of it, an undo leaves what was
before, and every count is what a recount gives of the contacts that stand."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from gql_app.access import Viewer
from gql_app.work.reads.patients import patient_now
from gql_app.work.reopening import reopen_task
from gql_app.work.reports.activity import read_activity
from gql_app.work.reports.buckets import BucketSize
from gql_app.work.undoing import undo_contact
from models.contact import Contact, ContactUndo
from models.lifecycle import ContactOutcome
from models.task import Task
from tests.flows.dashboard import in_small_steps
from tests.flows.test_queue_feed_machine import FeedMachine
from tests.support.machines import run_machine
from tests.work.agents import claims_of

WHO = ("staff", "supervisor")
NOT_PUT_BACK = {
    *("version", "queue_id", "assignee_id", "priority"),
    *("claimed_by_id", "claimed_until", "claim_id"),
    "rests_since",
}
"""What an undo leaves as it is: it may have changed since, and does not rest on a contact. That a
patient rests is noted by claims, and forgotten, and noted again."""

Look = dict[str, Any]


class UndoMachine(FeedMachine):
    """The day of a practice whose agents make mistakes. `before` is what a contact's task looked
    like right before it."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__(runner)
        self.first_day = self.office.today
        self.before: dict[int, Look] = {}

    def who(self, name: str) -> Viewer:
        viewer: Viewer = getattr(self.office, name)
        return viewer

    @rule(task=FeedMachine.tasks, name=st.sampled_from(WHO), release=st.booleans())
    def claim(self, task: Task, name: str, release: bool) -> None:
        claims = claims_of(self.office)
        act = claims.release if release else claims.claim
        self.run(act(self.who(name), task.id))

    @rule(task=FeedMachine.tasks, close=st.booleans(), days=st.integers(0, 2))
    def log_to_be_undone(self, task: Task, close: bool, days: int) -> None:
        self.run(self._log(task, close, days))

    async def _log(self, task: Task, close: bool, days: int) -> None:
        before = await look_at(task.id)
        follow_up = None if close else self.office.today + timedelta(days=days)
        result = await self.office.log(
            task, ContactOutcome.LEFT_MESSAGE, close=close, follow_up=follow_up
        )
        if result.contact is not None:
            self.before[result.contact.id] = before

    @rule(which=st.integers(0, 5), name=st.sampled_from(WHO), passed=st.integers(0, 20))
    def undo(self, which: int, name: str, passed: int) -> None:
        """One of the latest contacts, most often the last."""
        self.office.clock.advance(minutes=passed)
        self.run(self._undo(max(which - 3, 0), name))

    async def _undo(self, which: int, name: str) -> None:
        contacts = [*self.before][::-1][which : which + 1]
        for contact_id in contacts:
            viewer, reason = self.who(name), "A mistake"
            result = await self.office.changes.make(viewer, undo_contact, contact_id, reason)
            assert result.task is not None
            if result.refusals or result.task.close_cause == "EXPIRED":
                continue
            assert await look_at(result.task.id) == self.before[contact_id]

    @rule(task=FeedMachine.tasks, days=st.none() | st.integers(0, 3))
    def reopen(self, task: Task, days: int | None) -> None:
        follow_up = None if days is None else self.office.today + timedelta(days=days)
        changes, supervisor = self.office.changes, self.office.supervisor
        self.run(changes.make(supervisor, reopen_task, task.id, "Rang back", follow_up))

    @rule()
    def everything_is_counted_again(self) -> None:
        self.run(self._is_counted())

    async def _is_counted(self) -> None:
        here = self.office.practice.id
        undone = [undo.contact_id for undo in await ContactUndo.filter(practice_id=here)]
        assert len(undone) == len({*undone})
        contacts = await Contact.filter(practice_id=here).order_by("id")
        standing = [contact for contact in contacts if contact.id not in undone]
        tasks = await Task.filter(practice_id=here)
        for task in tasks:
            own = [contact for contact in standing if contact.task_id == task.id]
            last = own[-1] if own else None
            assert task.contact_count == len(own)
            assert (task.last_contact_id, task.last_outcome) == (
                (None, None) if last is None else (last.id, last.outcome)
            )
            assert task.last_contacted_at == (last and (last.contacted_at or last.logged_at))
        for one in self.office.patients:
            patient = await patient_now(here, one.id)
            assert patient is not None
            if patient.standing.at(self.office.clock()).is_barred:
                theirs = [task for task in tasks if task.patient_id == one.id]
                assert not any(task.status.is_open for task in theirs)
        until = self.office.today
        activity = await read_activity(
            self.office.supervisor, self.first_day, until, BucketSize.WEEK, None
        )
        outcomes = Counter(contact.outcome for contact in standing)
        counts = activity.total.contacts
        assert [*counts] == [outcomes[outcome] for outcome in ContactOutcome]
        assert sum(b.figures.contacts.total for b in activity.buckets) == len(standing)
        assert sum(person.contacts.total for person in activity.by_staff) == len(standing)
        closed = Counter(task.close_cause for task in tasks if task.close_cause)
        assert activity.total.tasks_closed.total == sum(closed.values())

    def teardown(self) -> None:
        try:
            if not self.has_failed:
                self.everything_is_counted_again()
        finally:
            super().teardown()


async def look_at(task_id: int) -> Look:
    (row,) = await Task.filter(id=task_id).values()
    return {column: value for column, value in row.items() if column not in NOT_PUT_BACK}


@pytest.mark.parametrize(
    ("database_url", "usual"), [("sqlite", 20), ("postgres", 5)], indirect=["database_url"]
)
def test_an_undo_of_anything_leaves_what_was_before(
    database_url: str, usual: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    run_machine(UndoMachine, database_url, usual)

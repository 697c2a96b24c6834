"""Agents who book, and partners who record, move, cancel and miss."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from gql_app.work.calls import Booking
from gql_app.work.undoing import undo_contact
from models.appointment import Appointment, AppointmentStatus
from models.lifecycle import ContactOutcome
from models.practice import Queue
from models.task import Task
from tests.flows.test_queue_feed_machine import KINDS, FeedMachine, who
from tests.flows.test_undo_machine import NOT_PUT_BACK, UndoMachine
from tests.work.booking import CANCELLED, becomes, book

names = st.sampled_from(["b0", "b1", "b2"])


class AppointmentMachine(UndoMachine):
    """The day of a practice whose patients have appointments. Both queues close on them, and one
    takes those that are missed."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__(runner)
        here = Queue.filter(practice_id=self.office.practice.id)
        self.run(_updated(here.update(closes_on_appointment=True)))
        self.run(_updated(here.filter(id=self.office.missed.id).update(missed_appointments=True)))

    @rule(target=FeedMachine.tasks, missed=st.booleans(), kind=st.sampled_from(KINDS), who=who)
    def make_task(self, missed: bool, kind: tuple[str, int], who: int) -> Task:
        """No automatic one is made for who has an appointment: all are cancelled."""
        self.run(self._cancel_all())
        made: Any = FeedMachine.make_task(self, missed=missed, kind=kind, who=who)
        return made  # type: ignore[no-any-return]

    async def _cancel_all(self) -> None:
        here = Appointment.filter(practice_id=self.office.practice.id, taken_back_at=None)
        for one in await here.filter(status="SCHEDULED"):
            result = await becomes(self.office, CANCELLED, one.external_id)
            assert result.refusals == ()

    @rule(name=names, days=st.integers(-1, 3), who=who)
    def record(self, name: str, days: int, who: int) -> None:
        self.run(book(self.office, who, name, days=days))

    @rule(name=names, status=st.sampled_from(AppointmentStatus))
    def change(self, name: str, status: AppointmentStatus) -> None:
        self.run(becomes(self.office, status, name))

    @rule(task=FeedMachine.tasks, name=names, days=st.integers(0, 3))
    def agree(self, task: Task, name: str, days: int) -> None:
        self.run(self._agree(task, name, days))

    @rule(task=FeedMachine.tasks, name=names, days=st.integers(0, 3))
    def agree_by_mistake(self, task: Task, name: str, days: int) -> None:
        self.run(self._agree_by_mistake(task, name, days))

    async def _agree(self, task: Task, name: str, days: int) -> Any:
        booking = Booking(self.office.clock() + timedelta(days=days, hours=1), name)
        return await self.office.log(task, ContactOutcome.SCHEDULED, close=True, booking=booking)

    async def _agree_by_mistake(self, task: Task, name: str, days: int) -> None:
        before = await self._look()
        agreed = await self._agree(task, name, days)
        if agreed.contact is None:
            return
        viewer = self.office.supervisor
        args = (agreed.contact.id, "The wrong patient")
        undone = await self.office.changes.make(viewer, undo_contact, *args)
        assert undone.refusals == ()
        assert await self._look() == before

    async def _look(self) -> list[Any]:
        """The practice's tasks and appointments, but for those whose time is up: the clock closes
        them when they are next looked at."""
        here = {"practice_id": self.office.practice.id}
        now = self.office.clock()
        tasks = [
            {column: value for column, value in task.items() if column not in NOT_PUT_BACK}
            for task in await Task.filter(**here).order_by("id").values()
            if task["expires_at"] is None or task["expires_at"] > now
        ]
        said = ("external_id", "patient_id", "at", "status", "kind", "ended_at", "is_confirmed")
        there = Appointment.filter(**here, taken_back_at=None)
        return [tasks, await there.order_by("id").values(*said)]


async def _updated(change: Coroutine[Any, Any, Any] | Any) -> None:
    await change

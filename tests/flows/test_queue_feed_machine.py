"""Snapshot and events together are always what a fresh snapshot shows, whatever happens between."""

import asyncio
import shutil
from collections.abc import Coroutine
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
)

from gql_app.live.feeds import Feeds
from gql_app.work.calls import OtherTask
from gql_app.work.contact_status import NewStatus, set_contact_status
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.postponing import postpone_task
from gql_app.work.priorities import set_task_priority
from gql_app.work.reviewing import resume_task
from gql_app.work.transitions import expire_task
from gql_app.work.upkeep.call_backs import pass_call_backs_on, tell_call_backs
from models.call_back import CallBackBy
from models.contact_status import ContactStatus
from models.lifecycle import Attempt, ContactOutcome
from models.practice import Queue
from models.priority import TaskPriority
from models.task import Task
from tests.flows.dashboard import Dashboard, in_small_steps, services
from tests.office import Office, make_office
from tests.support.call_backs import promise
from tests.support.machines import run_machine

SLUGS = (f"maple-{number}" for number in count())

KINDS = (("plain", 0), ("due", 0), ("due", 1), ("expires", 1), ("expires", 24))
"""Kinds of tasks: nothing set, due in so many days, expires in so many hours."""

which = st.sampled_from(["all queues", "one queue"])
who = st.integers(0, 2)
"""The place of a patient."""
hours = st.sampled_from([1, 13, 24, 60])


async def _limit_attempts(office: Office) -> None:
    await Queue.filter(id=office.recall.id).update(max_attempts=2)
    await Queue.filter(id=office.missed.id).update(max_attempts=3, closes_at_max_attempts=True)


class FeedMachine(RuleBasedStateMachine):
    """A practice with two dashboards, of both queues and of one; each run has its own practice.
    With the last attempt tasks of the one queue wait for a supervisor, those of the other close."""

    tasks = Bundle("tasks")

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.office = self.run(make_office(next(SLUGS)))
        self.run(_limit_attempts(self.office))
        self.feeds = Feeds()
        self.server = services(self.feeds, self.office.clock)
        self.office.changes = self.server.changes
        recall, missed = self.office.recall.id, self.office.missed.id
        self.wanted = {"all queues": [recall, missed], "one queue": [missed]}
        self.dashboards = {name: self._new_dashboard(name) for name in self.wanted}
        self.made: list[Task] = []
        self.has_failed = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._runner.run(work)
        except BaseException:
            self.has_failed = True
            raise

    @initialize(target=tasks)
    def two_dashboards_watch_the_first_tasks(self) -> MultipleResults[Task]:
        for name in self.dashboards:
            self.a_dashboard_reads_a_little(name, 1)
        made: list[Any] = [
            self.make_task(missed=number % 3 < 2, kind=kind, who=number % 2)
            for number, kind in enumerate(KINDS)
        ]
        return multiple(*made)

    @rule(target=tasks, missed=st.booleans(), kind=st.sampled_from(KINDS), who=who)
    def make_task(self, missed: bool, kind: tuple[str, int], who: int) -> Task:
        what, number = kind
        given: dict[str, Any] = {"patient": self.office.patients[who]}
        if what == "due":
            given["follow_up"] = self.office.today + timedelta(days=number)
        elif what == "expires":
            given["expires_at"] = self.office.clock() + timedelta(hours=number)
        queue = self.office.missed if missed else self.office.recall
        self.set_status(ContactStatus.OK, who)
        task: Task = self.run(self.office.make_task(queue, **given))
        self.made.append(task)
        return task

    @rule(
        task=tasks,
        outcome=st.sampled_from(ContactOutcome),
        close=st.booleans(),
        days=st.integers(0, 2),
        notes=st.sampled_from([None, "No time"]),
    )
    def log(
        self, task: Task, outcome: ContactOutcome, close: bool, days: int, notes: str | None
    ) -> None:
        """Refusals are drawn as well: they must change nothing for those who watch."""
        follow_up = None if close else self.office.today + timedelta(days=days)
        log = self.office.log(task, outcome, close=close, follow_up=follow_up, notes=notes)
        self.run(log)

    @rule(tasks=st.lists(tasks, min_size=2, max_size=4), close=st.booleans())
    def call_for_several(self, tasks: list[Task], close: bool) -> None:
        """One may be closed, another patient's, or named twice: then nothing is logged."""
        others = [
            OtherTask(task.id, Attempt(ContactOutcome.LEFT_MESSAGE, None, None, close=True))
            for task in tasks[1:]
        ]
        self.run(self.office.log(tasks[0], close=close, others=others))

    @rule(tasks=st.lists(tasks, min_size=2, max_size=6), name=which)
    def log_many_while_a_dashboard_reads(self, tasks: list[Task], name: str) -> None:
        async def all_at_once() -> None:
            logs = [self.office.log(task, close=n % 3 == 2) for n, task in enumerate(tasks)]
            await asyncio.gather(self._connected(name).read(3), *logs)

        self.run(all_at_once())

    @rule(tasks=st.lists(tasks, min_size=1, max_size=3), missed=st.booleans())
    def move(self, tasks: list[Task], missed: bool) -> None:
        """From one dashboard's queue to a queue that only the other watches, or back."""
        queue = self.office.missed if missed else self.office.recall
        ids = [task.id for task in tasks]
        changes, supervisor = self.office.changes, self.office.supervisor
        self.run(reassign_tasks(changes, supervisor, ids, to_queue_id=queue.id))

    @rule(task=tasks)
    def withdraw(self, task: Task) -> None:
        changes, supervisor = self.office.changes, self.office.supervisor
        self.run(withdraw_tasks(changes, supervisor, [task.id], reason="Moved away"))

    @rule(tasks=st.lists(tasks, min_size=1, max_size=3), priority=st.sampled_from(TaskPriority))
    def set_priority(self, tasks: list[Task], priority: TaskPriority) -> None:
        ids = [task.id for task in tasks]
        changes, supervisor = self.office.changes, self.office.supervisor
        self.run(set_task_priority(changes, supervisor, ids, priority))

    @rule(task=tasks, days=st.integers(-1, 2))
    def postpone(self, task: Task, days: int) -> None:
        """Refusals are drawn as well, as with contacts."""
        day = self.office.today + timedelta(days=days)
        changes, staff = self.office.changes, self.office.staff
        self.run(changes.make(staff, postpone_task, task.id, day, "The line was busy"))

    @rule(task=tasks, days=st.none() | st.integers(-1, 2))
    def resume(self, task: Task, days: int | None) -> None:
        """Most do not wait for it."""
        day = None if days is None else self.office.today + timedelta(days=days)
        self.run(self.office.changes.make(self.office.supervisor, resume_task, task.id, day))

    @rule(status=st.sampled_from(ContactStatus), who=who)
    def set_status(self, status: ContactStatus, who: int) -> None:
        """The patient's open tasks close, in both queues, or they learn that the patient may be
        called again."""
        patient, new = self.office.patients[who].id, NewStatus(status)
        changes, supervisor = self.office.changes, self.office.supervisor
        self.run(changes.make(supervisor, set_contact_status, patient, new))

    @rule(task=tasks, minutes=st.integers(-1, 90), by=st.sampled_from(CallBackBy))
    def promise_to_call_back(self, task: Task, minutes: int, by: CallBackBy) -> None:
        at = self.office.clock() + timedelta(minutes=minutes)
        self.run(promise(self.office, task, at, by))

    @rule()
    def call_backs_are_told_and_passed_on(self) -> None:
        for act in (tell_call_backs, pass_call_backs_on):
            self.run(act(self.office.changes, self.office.clock()))

    @rule(passed=hours)
    def time_passes(self, passed: int) -> None:
        self.office.clock.advance(hours=passed)

    @rule()
    def expired_tasks_are_closed(self) -> None:
        now, practice_id = self.office.clock(), self.office.practice.id
        for task in self.made:
            if task.expires_at is not None and task.expires_at <= now:
                self.run(self.office.changes.make_for(practice_id, expire_task, task.id))

    @rule(name=which, most=st.integers(1, 4))
    def a_dashboard_reads_a_little(self, name: str, most: int) -> None:
        self.run(self._connected(name).read(most))

    @rule(name=which)
    def a_dashboard_catches_up(self, name: str) -> None:
        self.run(self._is_right(name))

    @rule(name=which, waiting=st.booleans())
    def a_dashboard_is_cut_off(self, name: str, waiting: bool) -> None:
        if self.dashboards[name].is_connected:
            self.run(self.dashboards[name].break_off(waiting=waiting))

    @rule(name=which)
    def a_dashboard_is_loaded_afresh(self, name: str) -> None:
        self.a_dashboard_is_cut_off(name, waiting=False)
        self.dashboards[name] = self._new_dashboard(name)

    @rule()
    def the_server_restarts(self) -> None:
        for name in self.dashboards:
            self.a_dashboard_is_cut_off(name, waiting=True)
        assert self.feeds.followers == 0
        self.feeds = Feeds()
        self.server = services(self.feeds, self.office.clock)
        self.office.changes = self.server.changes

    def teardown(self) -> None:
        try:
            if not self.has_failed:  # else the comparison would only hide what went wrong
                for name in self.dashboards:
                    self.a_dashboard_catches_up(name)
        finally:
            self.the_server_restarts()

    def _new_dashboard(self, name: str) -> Dashboard:
        return Dashboard(self.office.staff, self.wanted[name], self.office.clock)

    def _connected(self, name: str) -> Dashboard:
        dashboard = self.dashboards[name]
        if not dashboard.is_connected:
            dashboard.connect(self.server)
        return dashboard

    async def _is_right(self, name: str) -> None:
        dashboard = self._connected(name)
        await dashboard.catch_up()
        await dashboard.compare()


def test_snapshot_and_events_are_what_a_fresh_snapshot_shows(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    path = shutil.copy(sqlite_template, tmp_path / "callboard.sqlite3")
    run_machine(FeedMachine, f"sqlite://{path}", 25, tuple(Phase))

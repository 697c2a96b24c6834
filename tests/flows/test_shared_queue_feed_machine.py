"""Snapshots and events for all who share a `queueFeed`, whatever happens between."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from itertools import count, cycle
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gql_app.work.transitions import expire_task
from models.task import Task
from tests.flows.shared_client import Client
from tests.flows.shared_practice import Practice, add_queue, small_and_quick
from tests.office import Office, make_office
from tests.support.machines import run_machine

SLUGS = (f"maple-{number}" for number in count())

CLIENTS = ("staff 1", "staff 2", "staff 3", "partner 1", "partner 2", "desk 1", "desk 2")
ONE_QUEUE = ("narrow 1", "narrow 2")
LISTENING = ("staff 2", "staff 3", "partner 2", "desk 2", "narrow 2")
"""Those who hear what comes, if they are in the mood."""

some_listening = st.sampled_from(LISTENING)
some_client = st.sampled_from(CLIENTS + ONE_QUEUE)
some_task = st.integers(0, 30)


class SharedFeed(RuleBasedStateMachine):
    """Dashboards of several kinds, some alike, over one server that may restart."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.office: Office = self.run(make_office(next(SLUGS)))
        self.practice: Practice = self.run(Practice.make(self.office))
        self.tasks: list[Task] = []
        self.queues = [self.office.recall, self.office.missed]
        self.clients = {name: self._new_client(name) for name in CLIENTS + ONE_QUEUE}
        self.has_failed = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._runner.run(work)
        except BaseException:
            self.has_failed = True
            raise

    def _new_client(self, name: str) -> Client:
        kind = name.split(maxsplit=1)[0]
        office = self.office
        viewers = {"partner": office.partner, "desk": self.practice.limited}
        wanted = [office.missed.id] if kind == "narrow" else None
        moods = [True] if name in LISTENING else []
        return Client(self.practice, viewers.get(kind, office.staff), wanted, moods)

    @initialize()
    def there_are_tasks_and_some_watch(self) -> None:
        for number in range(3):
            self.make_task(number, 0, None)
        for name in ("staff 1", "staff 2", "desk 1"):
            self.a_client_reads_a_little(name, 2)

    @rule(
        queue=st.integers(0, 3),
        due=st.sampled_from([0, 0, 1, 2]),
        expires=st.sampled_from([None, 1, 24]),
    )
    def make_task(self, queue: int, due: int, expires: int | None) -> None:
        given: dict[str, Any] = {"follow_up": self.office.today + timedelta(days=due)}
        if expires is not None:
            given = {"expires_at": self.office.clock() + timedelta(hours=expires)}
        chosen = self.queues[queue % len(self.queues)]
        self.tasks.append(self.run(self.office.make_task(chosen, **given)))

    @rule(task=some_task, days=st.integers(0, 2), close=st.booleans())
    def log(self, task: int, days: int, close: bool) -> None:
        self.run(self._log(task, days, close))

    @rule(
        names=st.lists(some_client, min_size=2, max_size=4, unique=True),
        logged=st.lists(some_task, max_size=4),
        turns=st.sampled_from([0, 1, 3, 7, 15, 30, 60]),
        jump=st.sampled_from(["none", "midnight", "hours"]),
        most=st.integers(1, 6),
    )
    def many_things_happen_while_clients_read(
        self, names: list[str], logged: list[int], turns: int, jump: str, most: int
    ) -> None:
        async def clock_moves() -> None:
            for _ in range(turns):  # of the loop: in the middle of whatever the others do
                await asyncio.sleep(0)
            if jump == "midnight":
                self.practice.to_midnight()
            elif jump == "hours":
                self.office.clock.advance(hours=5)

        async def at_once() -> None:
            async with asyncio.TaskGroup() as together:
                together.create_task(clock_moves())
                for name in names:
                    together.create_task(self.clients[name].read(most))
                for n, task in enumerate(logged):
                    together.create_task(self._log(task, n % 3, n % 3 == 2))

        self.run(at_once())

    @rule(hours=st.sampled_from([1, 13, 24, 60]))
    def time_passes(self, hours: int) -> None:
        self.office.clock.advance(hours=hours)

    @rule()
    def it_is_just_before_midnight(self) -> None:
        self.practice.to_midnight(seconds=-1)

    @rule()
    def it_is_midnight(self) -> None:
        self.practice.to_midnight()

    @rule()
    def expired_tasks_are_closed(self) -> None:
        now = self.office.clock()
        for task in self.tasks:
            if task.expires_at is not None and task.expires_at <= now:
                self.run(self.office.changes.make_for(task.practice_id, expire_task, task.id))

    @rule()
    def a_queue_is_added(self) -> None:
        if len(self.queues) < 4:
            self.queues.append(self.run(add_queue(self.office, f"Queue {len(self.queues)}")))

    @rule(name=some_client, most=st.integers(1, 5))
    def a_client_reads_a_little(self, name: str, most: int) -> None:
        self.run(self.clients[name].read(most))

    @rule(name=some_client)
    def a_client_catches_up(self, name: str) -> None:
        async def is_right() -> None:
            await self.clients[name].catch_up()
            await self.clients[name].compare()

        self.run(is_right())

    @rule(name=some_listening, moods=st.lists(st.booleans(), min_size=1, max_size=5))
    def a_client_hears_now_and_then(self, name: str, moods: list[bool]) -> None:
        self.clients[name].moods = cycle(moods)

    @rule(name=some_client, waiting=st.booleans())
    def a_client_is_cut_off(self, name: str, waiting: bool) -> None:
        if self.clients[name].is_connected:
            self.run(self.clients[name].break_off(waiting=waiting))

    @rule(name=some_client, back=st.none() | st.integers(0, 12))
    def a_client_begins_afresh(self, name: str, back: int | None) -> None:
        """With a snapshot, or so many events ago."""
        self.a_client_is_cut_off(name, waiting=False)
        self.clients[name] = self._new_client(name)
        if back is not None:
            latest = len(self.run(self.practice.events()))
            self.run(self.clients[name].begin_at(max(latest - back, 0)))

    @rule()
    def the_server_restarts(self) -> None:
        for name in self.clients:
            self.a_client_is_cut_off(name, waiting=True)
        self.nothing_runs_for_nobody()
        self.practice.start_server()

    def nothing_runs_for_nobody(self) -> None:
        together, feeds = self.practice.groups, self.practice.feeds
        assert (together.members, together.executions, feeds.followers) == (0, 0, 0)

    def teardown(self) -> None:
        try:
            if not self.has_failed:  # else the comparison would only hide what went wrong
                for name in self.clients:
                    self.a_client_catches_up(name)
        finally:
            self.the_server_restarts()

    async def _log(self, task: int, days: int, close: bool) -> None:
        follow_up = None if close else self.office.today + timedelta(days=days)
        chosen = self.tasks[task % len(self.tasks)]
        await self.office.log(chosen, close=close, follow_up=follow_up, notes=f"note {task}")


@pytest.mark.parametrize(
    ("database_url", "usual"), [("sqlite", 8), ("postgres", 3)], indirect=["database_url"]
)
def test_each_who_shares_a_feed_is_told_all_once_in_order_and_right(
    database_url: str, usual: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_and_quick(monkeypatch)
    # Tasks of the loop take turns as they like: a failure need not come again.
    run_machine(SharedFeed, database_url, usual, [Phase.generate])

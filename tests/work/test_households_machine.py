"""Agents who claim, log, merge and say who answers for whom: a household is under one claim."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gql_app.work.calls import OtherTask
from gql_app.work.contact_status import NewStatus, set_contact_status
from gql_app.work.upkeep.expiry import free_lapsed
from models.contact_status import ContactStatus
from models.lifecycle import Attempt, ContactOutcome
from models.merge import PatientMerge
from models.task import Task
from tests.office import make_office
from tests.support.machines import run_machine
from tests.work.agents import assert_consistent, claims_of, make_patients
from tests.work.families import answer
from tests.work.test_merging import merge, undo

SLUGS = (f"maple-{number}" for number in count())
PEOPLE = 5

who = st.integers(0, PEOPLE - 1)
agents = st.sampled_from(["staff", "supervisor"])


async def first_open(patient_id: int) -> Task | None:
    return await Task.filter(patient_id=patient_id, closed_at=None).order_by("id").first()


async def last_merge(practice_id: int) -> PatientMerge | None:
    standing = PatientMerge.filter(practice_id=practice_id, undone_at=None)
    return await standing.order_by("-id").first()


class HouseholdMachine(RuleBasedStateMachine):
    """A practice with a few patients, each of whom has a task."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.office = self.run(make_office(next(SLUGS)))
        self.people = self.run(make_patients(self.office, PEOPLE))
        for place in range(PEOPLE):
            self.make_task(place, missed=False)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def task_of(self, place: int) -> Any:
        return self.run(first_open(self.people[place].id))

    @rule(place=who, missed=st.booleans())
    def make_task(self, place: int, missed: bool) -> None:
        patient = self.people[place]
        queue = self.office.missed if missed else self.office.recall
        status = NewStatus(ContactStatus.OK)
        make = self.office.changes.make
        self.run(make(self.office.supervisor, set_contact_status, patient.id, status))
        self.run(self.office.make_task(queue, patient=patient))

    @rule(place=who, by=st.one_of(st.none(), who))
    def answers(self, place: int, by: int | None) -> None:
        guarantor = None if by is None else self.people[by].id
        self.run(answer(self.office, self.people[place].id, guarantor))

    @rule(place=who, agent=agents)
    def claim(self, place: int, agent: str) -> None:
        if task := self.task_of(place):
            self.run(claims_of(self.office).claim(getattr(self.office, agent), task.id))

    @rule(agent=agents)
    def claim_next(self, agent: str) -> None:
        self.run(claims_of(self.office).claim_next(getattr(self.office, agent), None))

    @rule(place=who, agent=agents)
    def release(self, place: int, agent: str) -> None:
        if task := self.task_of(place):
            self.run(claims_of(self.office).release(getattr(self.office, agent), task.id))

    @rule(place=who, other=who, close=st.booleans(), agent=agents)
    def log(self, place: int, other: int, close: bool, agent: str) -> None:
        task, also = self.task_of(place), self.task_of(other)
        if task is None or also is None:
            return
        attempt = Attempt(ContactOutcome.NO_ANSWER, None, None, close=True)
        others = [OtherTask(also.id, attempt)] if place != other else []
        viewer = getattr(self.office, agent)
        self.run(self.office.log(task, close=close, others=others, viewer=viewer))

    @rule(place=who)
    def forbid(self, place: int) -> None:
        status = NewStatus(ContactStatus.DO_NOT_CONTACT)
        patient, make = self.people[place].id, self.office.changes.make
        self.run(make(self.office.staff, set_contact_status, patient, status))

    @rule(place=who, other=who)
    def merge(self, place: int, other: int) -> None:
        self.run(merge(self.office, self.people[place].id, self.people[other].id))

    @rule()
    def undo_merge(self) -> None:
        if last := self.run(last_merge(self.office.practice.id)):
            self.run(undo(self.office, last.id, keep_later_changes=True))

    @rule(minutes=st.sampled_from([1, 11]))
    def time_passes(self, minutes: int) -> None:
        self.office.clock.advance(minutes=minutes)
        self.run(free_lapsed(self.office.changes, self.office.clock()))

    @invariant()
    def all_is_right(self) -> None:
        if hasattr(self, "people"):
            self.run(assert_consistent(self.office))


@pytest.mark.parametrize(
    ("database_url", "usual"), [("sqlite", 12), ("postgres", 4)], indirect=["database_url"]
)
def test_a_household_is_always_under_one_claim(database_url: str, usual: int) -> None:
    run_machine(HouseholdMachine, database_url, usual, steps=30)

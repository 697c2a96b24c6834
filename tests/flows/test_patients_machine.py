"""A practice's days with all that can befall a patient: agents are handed out whom to call, log,
undo, reopen, postpone, promise, book, cancel and forbid, for people and for families."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from gql_app.access import Viewer
from gql_app.work.reads.nothing_next import Nothing
from gql_app.work.upkeep.expiry import free_lapsed
from models.call_back import GRACE
from models.contact import Contact, ContactUndo
from models.follow_up import local_date
from models.people import Patient
from models.task import Task
from tests.flows.appointment_machine import AppointmentMachine
from tests.flows.dashboard import in_small_steps
from tests.flows.test_queue_feed_machine import who
from tests.flows.test_undo_machine import WHO
from tests.support.machines import run_machine
from tests.work.agents import assert_consistent, claims_of
from tests.work.families import answer


class PatientMachine(AppointmentMachine):
    """Two of its patients begin as a family. They rest until the day is over. What may be handed
    out is worked out here again, from the rows alone."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__(runner)
        self.steps = 0
        self.answers(1, 0)

    @rule(place=who, by=st.none() | who)
    def answers(self, place: int, by: int | None) -> None:
        """Some are refused: nobody answers for themselves, or for who answers for others."""
        guarantor = None if by is None else self.office.patients[by].id
        self.run(answer(self.office, self.office.patients[place].id, guarantor))

    @rule(minutes=st.sampled_from([5, 20, 40]))
    def minutes_pass(self, minutes: int) -> None:
        """As long as call-backs are waited for."""
        self.office.clock.advance(minutes=minutes)

    @rule(name=st.sampled_from(WHO))
    def claim_next(self, name: str) -> None:
        self.run(self._claim_next(self.who(name)))

    @invariant()
    def the_right_task_is_handed_out(self) -> None:
        """To each in turn, and given back. Not after each step: a claim notes who rests."""
        self.steps += 1
        if self.steps % 2 == 0:
            self.run(self._claim_next(self.who(WHO[self.steps // 2 % 2]), gives_back=True))

    async def _claim_next(self, viewer: Viewer, *, gives_back: bool = False) -> None:
        free = await self._free_for(viewer)
        result = await claims_of(self.office).claim_next(viewer, None)
        await self._is_consistent()
        if result.task is None:
            assert not free
            self._says_when(result.nothing)
            return
        assert result.task.id in free
        if gives_back:
            await claims_of(self.office).release(viewer, result.task.id)

    def _says_when(self, nothing: Nothing | None) -> None:
        assert nothing is not None
        assert nothing.reasons
        assert nothing.next_at is None or nothing.next_at > self.office.clock()

    async def _free_for(self, viewer: Viewer) -> set[int]:
        """The tasks of which one may be handed out: promises that are due, if there are any, and
        else what is due or new, of families who were not called today."""
        now, here = self.office.clock(), self.office.practice.id
        patients = await Patient.filter(practice_id=here)
        heads = {patient.id: patient.guarantor_id or patient.id for patient in patients}
        tasks = await Task.filter(practice_id=here)
        held = {
            heads[task.patient_id]
            for task in tasks
            if task.status.is_open and task.claimed_until is not None and task.claimed_until > now
        }
        called = {heads[patient] for patient in await self._called_today(tasks)}
        free = [
            task
            for task in tasks
            if task.status.is_open
            and (task.expires_at is None or task.expires_at > now)
            and heads[task.patient_id] not in held
        ]
        promised = {
            task.id
            for task in free
            if task.follow_up_at is not None
            and task.follow_up_at <= now
            and (
                task.call_back_by_id in (None, viewer.staff_id) or task.follow_up_at <= now - GRACE
            )
        }
        due = {
            task.id
            for task in free
            if task.follow_up_at is None
            and task.review_since is None
            and task.assignee_id in (None, viewer.staff_id)
            and (task.follow_up is None or task.follow_up <= self.office.today)
            and heads[task.patient_id] not in called
        }
        return promised or due

    async def _called_today(self, tasks: Sequence[Task]) -> set[int]:
        here, zone = self.office.practice.id, self.office.practice.time_zone
        patient_of = {task.id: task.patient_id for task in tasks}
        undone = {undo.contact_id for undo in await ContactUndo.filter(practice_id=here)}
        return {
            patient_of[contact.task_id]
            for contact in await Contact.filter(practice_id=here)
            if contact.id not in undone
            and local_date(contact.contacted_at or contact.logged_at, zone) >= self.office.today
        }

    async def _is_consistent(self) -> None:
        """Once the claims are freed whose time is up, as the server does at once."""
        await free_lapsed(self.office.changes, self.office.clock())
        await assert_consistent(self.office)

    def teardown(self) -> None:
        try:
            if not self.has_failed:
                self.run(self._is_consistent())
        finally:
            super().teardown()


@pytest.mark.parametrize(
    ("database_url", "usual"), [("sqlite", 15), ("postgres", 5)], indirect=["database_url"]
)
def test_a_patient_is_one_conversation(
    database_url: str, usual: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    run_machine(PatientMachine, database_url, usual)

"""The data loaders of an operation, one for each kind of row that fields ask for.

The scope stands in every loader, so nothing is loaded that the key does not allow. The loaders note
which patients they have read something of: that is what the audit says was shown.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, TypeVar

from gql_app.access import Scope
from gql_app.schema.row_loader import PageKey, PageOf, RowLoader, page_loader
from gql_app.work.reads.appointments import (
    appointments_by_id,
    appointments_of_patients,
    next_appointments,
)
from gql_app.work.reads.at_work import QueueAtWork, staff_at_work
from gql_app.work.reads.conditions import Page
from gql_app.work.reads.external_ids import (
    ExternalIds,
    external_ids_of_patients,
    external_ids_of_tasks,
)
from gql_app.work.reads.history import (
    Closing,
    ContactKey,
    StaffRow,
    closers_of,
    contacts_by_id,
    contacts_of,
    contacts_of_patients,
    contacts_of_tasks,
    somebody,
    staff_by_id,
    undos_of,
)
from gql_app.work.reads.households import Household, households_of_patients
from gql_app.work.reads.imports import Awaiting, awaiting_guarantors
from gql_app.work.reads.patient_lists import (
    GonePatient,
    Merges,
    gone_patients,
    merges_into,
)
from gql_app.work.reads.patients import (
    MergedPatient,
    merged_patients,
    patients_by_id,
    patients_of_tasks,
)
from gql_app.work.reads.postponements import Postponements, postponements_of_tasks
from gql_app.work.reads.queues import (
    PageInFull,
    QueueCounts,
    QueueRow,
    ScriptRow,
    queue_counts,
    scripts_of,
    tasks_by_id,
    tasks_of_patients,
    tasks_of_queues,
    visible_queues,
)
from gql_app.work.reads.task_filter import TaskQuery
from models.appointment import AppointmentRow
from models.contact import ContactRow, ContactUndoRow
from models.event import EventRow
from models.people import PatientRow
from models.task import TaskRow

Row = TypeVar("Row")

_patient_of = attrgetter("patient_id")


def _survivor(found: PatientRow | MergedPatient) -> PatientRow:
    return found.survivor if isinstance(found, MergedPatient) else found


class Loaders:
    """The loaders of one operation; in a subscription, of the events that were read together. Each
    is made when it is first asked for: most operations need one or two, and events come often."""

    def __init__(self, scope: Scope, clock: Callable[[], datetime]) -> None:
        self._scope = scope
        self._clock = clock
        self.seen: set[int] = set()

    def saw(self, rows: Iterable[TaskRow | EventRow]) -> None:
        """Note the patients of rows that no loader has read."""
        self.seen.update(map(_patient_of, rows))

    def show(self, patients: list[PatientRow]) -> None:
        """Note patients who are shown and that no loader has read."""
        self.patient.add(patients)
        self.seen.update(patient.id for patient in patients)

    def add_page(self, page: PageInFull) -> None:
        """The patients and last contacts that were read with a page of tasks."""
        self.patient.add(page.patients)
        # One more may have been read than is shown.
        self.seen.update(patient.id for patient in page.patients[: len(page.tasks.rows)])
        self.contact.known |= {
            (contact.id, task.id): contact for task, contact in page.pairs() if contact is not None
        }

    @cached_property
    def task(self) -> RowLoader[int, TaskRow]:
        return RowLoader(self._noting(partial(tasks_by_id, self._scope), _patient_of))

    @cached_property
    def contact(self) -> RowLoader[tuple[int, int], ContactRow]:
        """By the contact's number and its task's (see `ContactKey`)."""
        return RowLoader(partial(contacts_of, self._scope), ContactKey.of)

    @cached_property
    def contact_by_id(self) -> RowLoader[int, ContactRow]:
        """By the contact's number alone, as a global id has it."""
        return RowLoader(self._contacts_by_id)

    @cached_property
    def undo(self) -> RowLoader[int, ContactUndoRow]:
        """By the number of a contact that is shown."""
        return RowLoader(partial(undos_of, self._scope), attrgetter("contact_id"))

    @cached_property
    def closer(self) -> RowLoader[Closing, StaffRow]:
        read = partial(closers_of, self._scope)
        return RowLoader(read, attrgetter("closing"), self._shown(attrgetter("staff")))

    @cached_property
    def patient(self) -> RowLoader[int, PatientRow]:
        """By an id of the patient: their own, or that of one who was merged into them."""
        return RowLoader(
            self._noting(self._patients, lambda found: _survivor(found).id), row_of=_survivor
        )

    @cached_property
    def gone_patient(self) -> RowLoader[int, GonePatient]:
        """Who was merged away, by a merge that is shown."""
        return RowLoader(self._noting(partial(gone_patients, self._scope), attrgetter("id")))

    @cached_property
    def merges(self) -> RowLoader[int, Merges]:
        """The merges into a patient who is shown."""
        return RowLoader(partial(merges_into, self._scope))

    @cached_property
    def household(self) -> RowLoader[int, Household]:
        """By a patient who is shown."""
        return RowLoader(self._households)

    @cached_property
    def awaiting_guarantors(self) -> RowLoader[str, Awaiting]:
        """By the source of an import that is shown."""
        read = partial(awaiting_guarantors, self._scope)
        return RowLoader(read, attrgetter("source"))

    @cached_property
    def external_ids_of_patient(self) -> RowLoader[int, ExternalIds]:
        return RowLoader(partial(external_ids_of_patients, self._scope))

    @cached_property
    def external_ids_of_task(self) -> RowLoader[int, ExternalIds]:
        return RowLoader(partial(external_ids_of_tasks, self._scope))

    @cached_property
    def postponements(self) -> RowLoader[int, Postponements]:
        return RowLoader(partial(postponements_of_tasks, self._scope))

    @cached_property
    def appointments_of_patient(self) -> RowLoader[PageKey, PageOf]:
        return page_loader(
            lambda ids, key: appointments_of_patients(self._scope, ids, key.first, key.after)
        )

    @cached_property
    def appointment(self) -> RowLoader[int, AppointmentRow]:
        read = partial(appointments_by_id, self._scope)
        return RowLoader(self._noting(read, _patient_of))

    @cached_property
    def next_appointment(self) -> RowLoader[int, AppointmentRow]:
        """By the number of a patient who is shown."""
        return RowLoader(self._next_appointments, _patient_of)

    @cached_property
    def staff(self) -> RowLoader[int, StaffRow]:
        """The staff that rows refer to."""
        read = partial(staff_by_id, self._scope)
        return RowLoader(read, row_of=self._shown(lambda staff: staff))

    def _shown(self, staff_of: Callable[[Any], StaffRow]) -> Callable[[Any], StaffRow]:
        """How a member of staff is shown: partners see that there is one, and not who. Every field
        that shows staff goes through one of the two loaders above."""
        if self._scope.may_see_who_works:
            return staff_of
        nobody_by_name = somebody(self._scope)
        return lambda _: nobody_by_name

    @cached_property
    def queue(self) -> RowLoader[int, QueueRow]:
        return RowLoader(partial(visible_queues, self._scope, with_archived=True))

    @cached_property
    def script(self) -> RowLoader[int, ScriptRow]:
        return RowLoader(partial(scripts_of, self._scope))

    @cached_property
    def counts(self) -> RowLoader[int, QueueCounts]:
        return RowLoader(self._counts, attrgetter("queue_id"))

    @cached_property
    def at_work(self) -> RowLoader[int, QueueAtWork]:
        return RowLoader(self._at_work, attrgetter("queue_id"))

    @cached_property
    def contacts_of_task(self) -> RowLoader[PageKey, PageOf]:
        return page_loader(
            lambda ids, key: contacts_of_tasks(self._scope, ids, key.first, key.after)
        )

    @cached_property
    def contacts_of_patient(self) -> RowLoader[PageKey, PageOf]:
        return page_loader(
            lambda ids, key: contacts_of_patients(self._scope, ids, key.first, key.after)
        )

    @cached_property
    def tasks_of_patient(self) -> RowLoader[PageKey, PageOf]:
        return page_loader(
            lambda ids, key: tasks_of_patients(
                self._scope, ids, key.query or TaskQuery(), key.first, key.after
            )
        )

    @cached_property
    def tasks_of_queue(self) -> RowLoader[PageKey, PageOf]:
        return page_loader(self._tasks_of_queues)

    async def _tasks_of_queues(self, ids: list[int], key: PageKey) -> dict[int, Page[TaskRow]]:
        query = key.query or TaskQuery()
        pages = await tasks_of_queues(self._scope, ids, query, key.first, key.after)
        for page in pages.values():
            self.saw(page.rows)
        return pages

    async def _patients(self, ids: list[int]) -> list[PatientRow | MergedPatient]:
        found: list[PatientRow | MergedPatient] = [*await patients_by_id(self._scope, ids)]
        missing = {*ids} - {row.id for row in found}
        if missing:
            found += await merged_patients(self._scope, sorted(missing))
        return found

    async def _households(self, ids: list[int]) -> list[Household]:
        households = await households_of_patients(self._scope, ids)
        for household in households:
            self.show(household.members)
        return households

    async def _contacts_by_id(self, ids: list[int]) -> list[ContactRow]:
        """Nothing else that is shown tells whose they are."""
        contacts = await contacts_by_id(self._scope, ids)
        if contacts:
            tasks = [contact.task_id for contact in contacts]
            self.seen.update(await patients_of_tasks(self._scope, tasks))
        return contacts

    def _noting(
        self, read: Callable[[list[int]], Awaitable[list[Row]]], patient_of: Callable[[Row], int]
    ) -> Callable[[list[int]], Awaitable[list[Row]]]:
        """The same way to read, which notes the patients of what it has read."""

        async def read_and_note(keys: list[int]) -> list[Row]:
            rows = await read(keys)
            self.seen.update(map(patient_of, rows))
            return rows

        return read_and_note

    async def _next_appointments(self, ids: list[int]) -> list[AppointmentRow]:
        return await next_appointments(self._scope, ids, self._clock())

    async def _counts(self, queue_ids: list[int]) -> list[QueueCounts]:
        return await queue_counts(self._scope, queue_ids, self._clock())

    async def _at_work(self, queue_ids: list[int]) -> list[QueueAtWork]:
        return await staff_at_work(self._scope, queue_ids, self._clock())

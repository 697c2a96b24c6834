"""Patients who are made, changed and merged: `createPatient`, `updatePatient`, `mergePatients`,
`unmergePatients`."""

from typing import Annotated

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.enums import PhoneKind
from gql_app.schema.external_ids import ExternalIdInput, checked_external_id
from gql_app.schema.ids import read_id_of
from gql_app.schema.merges import PatientMerge
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.work.merging import MergeResult, merge_patients
from gql_app.work.patient_details import Details, TypedPhone
from gql_app.work.patient_edits import (
    NewPatient,
    PatientChanges,
    PatientResult,
    create_patient,
    update_patient,
)
from gql_app.work.reads.conditions import storable
from gql_app.work.unmerging import UnmergeResult, unmerge_patients
from gql_app.work.wrong_numbers import mark_wrong_number
from models.refusals import Refusal


@strawberry.input(description="A telephone number of a patient.")
class PhoneInput:
    number: str = strawberry.field(description="Read as that of a new patient is.")
    kind: PhoneKind | None = strawberry.field(
        default=None, description="What kind of number it is, if you know."
    )


_KIND = "What kind of number `phone` is."
_OTHERS = "Numbers to call if that one is wrong or nobody answers, in this order: at most 9."
_LANGUAGE = "In which language the patient likes to be called: a tag such as es or pt-BR."
_NOTE = "What the caller is to know, such as “call the daughter”: at most 500 characters."


@strawberry.input(description="A patient to be made.")
class CreatePatientInput:
    name: str = strawberry.field(description="At most 200 characters.")
    phone: str = strawberry.field(
        description="The telephone number, as people of the practice's country write it or with +"
        " and a country's code; an extension may follow."
    )
    external_id: ExternalIdInput | None = strawberry.field(
        default=None, description="How another system calls the patient."
    )
    phone_kind: PhoneKind | None = strawberry.field(default=None, description=_KIND)
    other_phones: list[PhoneInput] | None = strawberry.field(default=None, description=_OTHERS)
    language: str | None = strawberry.field(default=None, description=_LANGUAGE)
    caller_note: str | None = strawberry.field(default=None, description=_NOTE)


@strawberry.input(description="What is to be different of a patient; null for what stays.")
class UpdatePatientInput:
    patient_id: strawberry.ID
    name: str | None = strawberry.field(default=None, description="At most 200 characters.")
    phone: str | None = strawberry.field(
        default=None, description="The telephone number, read as that of a new patient is."
    )
    external_id: ExternalIdInput | None = strawberry.field(
        default=None,
        description="How another system calls the patient. It takes the place of one from the same"
        " source; a patient who has one from another source keeps that.",
    )
    phone_kind: PhoneKind | None = strawberry.field(default=None, description=_KIND)
    other_phones: list[PhoneInput] | None = strawberry.field(
        default=None, description=f"{_OTHERS} They take the place of those that were there."
    )
    language: str | None = strawberry.field(
        default=None, description=f"{_LANGUAGE} An empty text takes it away."
    )
    caller_note: str | None = strawberry.field(
        default=None, description=f"{_NOTE} An empty text takes it away."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="The patient's version as you know it: if it is another by now, nothing is"
        " changed.",
    )


@strawberry.type
class PatientPayload:
    patient: Patient | None = strawberry.field(
        description="The patient as they are now. After EXTERNAL_ID_TAKEN the one who has the"
        " external id, if the key may see them."
    )
    errors: list[UserError]


@strawberry.type
class MergePatientsPayload:
    patient: Patient | None = strawberry.field(description="The survivor as they are now.")
    merge: PatientMerge | None = strawberry.field(
        description="The merge; null after a refusal and on a dry run."
    )
    tasks: int = strawberry.field(description="How many tasks go over, or have gone.")
    open_tasks: int = strawberry.field(description="How many of these are open.")
    contacts: int = strawberry.field(description="How many contacts were logged on them.")
    appointments: int = strawberry.field(description="How many appointments go over.")
    errors: list[UserError]


@strawberry.type
class UnmergePatientsPayload:
    patient: Patient | None = strawberry.field(
        description="The patient into whom the other one was merged, as they are now."
    )
    restored: Patient | None = strawberry.field(
        description="The patient who is there again; null after a refusal."
    )
    errors: list[UserError]


def _errors(refusals: tuple[Refusal, ...], *under: str) -> list[ErrorRow]:
    return [error_row(refusal, *under) for refusal in refusals]


def _details(given: CreatePatientInput | UpdatePatientInput) -> Details:
    phones = given.other_phones
    return Details(
        given.phone_kind,
        None
        if phones is None
        else [TypedPhone(storable(one.number) or "", one.kind) for one in phones],
        storable(given.language),
        storable(given.caller_note),
    )


class PatientSource:
    """The source of a `PatientPayload`."""

    def __init__(self, result: PatientResult, under: tuple[str, ...] = ("input",)) -> None:
        self.patient = result.patient
        self.errors = _errors(result.refusals, *under)


class MergeSource:
    """The source of a `MergePatientsPayload`."""

    def __init__(self, result: MergeResult) -> None:
        self.patient, self.merge = result.survivor, result.merge
        self.tasks, self.open_tasks = result.tasks, result.open_tasks
        self.contacts, self.appointments = result.contacts, result.appointments
        self.errors = _errors(result.refusals)


class UnmergeSource:
    """The source of an `UnmergePatientsPayload`."""

    def __init__(self, result: UnmergeResult) -> None:
        self.patient, self.restored = result.survivor, result.restored
        self.errors = _errors(result.refusals)


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=PatientPayload,
        description="Make a patient. Look first whether they are there: two of one person can be"
        " merged, but not without somebody who sees that.",
    )
    async def create_patient(self, info: Info, input: CreatePatientInput) -> PatientSource:
        external_id = checked_external_id(input.external_id)
        called = storable(input.name) or "", storable(input.phone) or ""
        new = NewPatient(*called, external_id, _details(input))
        return PatientSource(await info.context.make(create_patient, new))

    @strawberry.mutation(
        graphql_type=PatientPayload,
        description="Change a patient's name, numbers, external id, language or note for the"
        " caller. Whoever watches an open task of the patient gets an event.",
    )
    async def update_patient(self, info: Info, input: UpdatePatientInput) -> PatientSource:
        changes = PatientChanges(
            storable(input.name),
            storable(input.phone),
            checked_external_id(input.external_id),
            input.expected_version,
            _details(input),
        )
        patient_id = read_id_of("Patient", input.patient_id)
        return PatientSource(await info.context.make(update_patient, patient_id, changes))

    @strawberry.mutation(
        graphql_type=PatientPayload,
        description="Mark one of the patient's numbers as wrong, or as right again. It is kept, and"
        " shown as wrong (`Phone.isWrong`), whatever an import brings. Whoever watches an open task"
        " of the patient gets an event.",
    )
    async def mark_wrong_number(
        self,
        info: Info,
        patient_id: Annotated[strawberry.ID, strawberry.argument(description="Whose it was.")],
        number: Annotated[
            str,
            strawberry.argument(
                description="The number: as `Phone.href` or `Phone.display` has it, or as it was"
                " dialled."
            ),
        ],
        is_wrong: Annotated[
            bool, strawberry.argument(description="False if it is right after all.")
        ] = True,
    ) -> PatientSource:
        row_id, typed = read_id_of("Patient", patient_id), storable(number) or ""
        result = await info.context.make(mark_wrong_number, row_id, typed, is_wrong=is_wrong)
        return PatientSource(result, under=())

    @strawberry.mutation(
        graphql_type=MergePatientsPayload,
        description="Merge two patients who are one person. All tasks, contacts, appointments and"
        " numbers go to the survivor, whose name stays. Ids and external ids of the other one go on"
        " to answer, with the survivor. It needs a key for all queues.",
    )
    async def merge_patients(
        self,
        info: Info,
        survivor_id: Annotated[strawberry.ID, strawberry.argument(description="Who stays.")],
        merged_id: Annotated[
            strawberry.ID, strawberry.argument(description="Who is merged into the survivor.")
        ],
        dry_run: Annotated[
            bool, strawberry.argument(description="Only say what would go over.")
        ] = False,
    ) -> MergeSource:
        ids = read_id_of("Patient", survivor_id), read_id_of("Patient", merged_id)
        return MergeSource(await info.context.make(merge_patients, *ids, dry_run=dry_run))

    @strawberry.mutation(
        graphql_type=UnmergePatientsPayload,
        description="Undo a merge: what went over goes back. If something was done since that may"
        " belong to either of the two, it is refused with CHANGED_SINCE_MERGE.",
    )
    async def unmerge_patients(
        self,
        info: Info,
        merge_id: Annotated[strawberry.ID, strawberry.argument(description="The merge's id.")],
        keep_later_changes: Annotated[
            bool,
            strawberry.argument(
                description="Undo it although something was done since: contacts stay with their"
                " tasks, and all else with the survivor."
            ),
        ] = False,
    ) -> UnmergeSource:
        merge = read_id_of("PatientMerge", merge_id)
        result = await info.context.make(
            unmerge_patients, merge, keep_later_changes=keep_later_changes
        )
        return UnmergeSource(result)

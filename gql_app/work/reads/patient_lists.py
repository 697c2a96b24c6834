"""Lists of patients, and the merges that a patient's page shows."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_id_cursor
from gql_app.work.reads.external_ids import ExternalId, has_external_id
from gql_app.work.reads.patients import seen_patients
from gql_app.work.reads.whose_patient import whose_patient
from models.database import fetch
from models.merge import MERGE_COLUMNS, MergeRow
from models.people import PATIENT_COLUMNS, PatientRow


async def patients_page(
    viewer: Viewer,
    search: str | None,
    external_id: ExternalId | None,
    first: int,
    after: str | None,
) -> Page[PatientRow]:
    """Patients whom the key may see, the newest first: all of them, or those whom `search` and
    `external_id` mean. Raises `BadInput`."""
    where = seen_patients(viewer)
    where.add("p.taken_back_at IS NULL")
    if search is not None:
        whose_patient(where, search, viewer.region, "p.id")
    if external_id is not None:
        where.add(has_external_id(where, external_id))
    if after is not None:
        where.add(f"p.id < ${where.value(read_id_cursor(viewer.practice_id, after))}")
    sql = f"""SELECT {PATIENT_COLUMNS} FROM patient p WHERE {where}
    ORDER BY p.id DESC LIMIT {row_limit(first)}"""
    return page_of(await fetch(PatientRow, sql, *where.values), first, after)


class Merges(NamedTuple):
    """The merges into a patient that stand, the latest first."""

    id: int
    merges: list[MergeRow]


class GonePatient(NamedTuple):
    """A patient who was merged away, as they were called."""

    id: int
    practice_id: int
    name: str
    phone: str


async def merges_into(scope: Scope, patient_ids: Sequence[int]) -> list[Merges]:
    """The merges into each of the patients whom the key was shown, for those who have any. Into one
    who was merged away themselves later they stand still, but are not shown."""
    where = Conditions.of(scope, "m")
    where.among("m.survivor_id", list(patient_ids))
    sql = f"""SELECT {MERGE_COLUMNS} FROM patient_merge m
    WHERE {where} AND m.undone_at IS NULL ORDER BY m.id DESC"""
    found: dict[int, list[MergeRow]] = {}
    for merge in await fetch(MergeRow, sql, *where.values):
        found.setdefault(merge.survivor_id, []).append(merge)
    return [Merges(patient_id, merges) for patient_id, merges in found.items()]


async def gone_patients(scope: Scope, ids: Sequence[int]) -> list[GonePatient]:
    """Those of merges that the key was shown, as they were called."""
    where = Conditions.of(scope, "p")
    where.among("p.id", list(ids))
    sql = f"""SELECT p.id, p.practice_id, p.name, COALESCE(p.phone_display, p.phone)
    FROM patient p WHERE {where}"""
    return await fetch(GonePatient, sql, *where.values)

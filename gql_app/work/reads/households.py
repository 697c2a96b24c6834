"""Households: the members whom a key may see."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access import Scope
from gql_app.work.reads.patients import seen_patients
from models.database import among, fetch, fetch_joined
from models.people import PATIENT_COLUMNS, PatientRow


class Household(NamedTuple):
    """The household of a patient, `id`: the members whom the key may see, the guarantor first if
    it is among them, the others by their numbers. `guarantor_id` is None for one who is not."""

    id: int
    guarantor_id: int | None
    members: list[PatientRow]


class _Head(NamedTuple):
    """A patient, and who answers for them, who may be the patient."""

    id: int
    head_id: int


async def households_of_patients(scope: Scope, patient_ids: Sequence[int]) -> list[Household]:
    """The households of the patients whom the key was shown, for those who share one with somebody
    else whom it may see."""
    sql = f"""SELECT p.id, COALESCE(p.guarantor_id, p.id) FROM patient p
    WHERE p.practice_id = $1 AND {among("p.id", 2)}"""
    heads = dict(await fetch(_Head, sql, scope.practice_id, list(patient_ids)))
    where = seen_patients(scope)
    where.add("p.taken_back_at IS NULL")
    wanted = among("p.{}", where.value(sorted({*heads.values()})))
    select = "SELECT p.id, COALESCE(p.guarantor_id, p.id), {} FROM patient p WHERE {} AND {}"
    sql = " UNION ALL ".join(
        select.format(PATIENT_COLUMNS, where, wanted.format(column))
        for column in ("id", "guarantor_id")
    )
    members: dict[int, list[PatientRow]] = {}
    whose, found = await fetch_joined((_Head, PatientRow), sql, *where.values)
    for head, patient in zip(whose, found, strict=True):
        members.setdefault(head.head_id, []).append(patient)
    households = []
    for patient_id, head_id in heads.items():
        seen = sorted(members.get(head_id, ()), key=lambda row: (row.id != head_id, row.id))
        if len(seen) > 1:
            guarantor = head_id if seen[0].id == head_id else None
            households.append(Household(patient_id, guarantor, seen))
    return households

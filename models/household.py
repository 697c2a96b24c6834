"""Households: patients for whom one of them answers, the guarantor. They share a telephone, and are
called as one; a telephone number alone makes no household."""

from collections.abc import Mapping
from typing import NamedTuple

from models.database import among_found
from models.refusals import Refusal, RefusalCode

MAX_MEMBERS = 20
"""How many patients a household has at most, the guarantor among them. More belong to an
institution, whose patients do not share a telephone."""


class Regrouped(NamedTuple):
    """A patient whose guarantor has changed; None where nobody else answers for them."""

    patient_id: int
    before: int | None
    after: int | None


def household_of(patient: str) -> str:
    """SQL for the numbers of the patients in the household of the one whose number is `patient`, in
    SQL; that one alone, if there is no household. The practice is the first parameter."""
    head = f"""SELECT COALESCE(h.guarantor_id, h.id) AS id FROM patient h
        WHERE h.practice_id = $1 AND h.id = {patient}"""
    return f"""SELECT m.id FROM patient m WHERE m.practice_id = $1 AND m.guarantor_id = ({head})
        UNION ALL {head}"""


def households_of(patients: str) -> str:
    """SQL for the numbers of the patients in the households of those (called `h`) for whom the SQL
    holds, each household as often as it is meant. The practice is the first parameter."""
    heads = f"""SELECT COALESCE(h.guarantor_id, h.id) AS id FROM patient h
        WHERE h.practice_id = $1 AND {patients}"""
    return f"""SELECT m.id FROM patient m
        WHERE m.practice_id = $1 AND {among_found("m.guarantor_id", heads)} UNION ALL {heads}"""


def check_guarantor(
    patient_id: int,
    guarantor_id: int,
    guarantors: Mapping[int, int | None],
    sizes: Mapping[int, int],
    field: str = "guarantorId",
) -> Refusal | None:
    """Why the second of these patients cannot answer for the first; None if they can. `guarantors`
    are those that both have now, None for a patient who has none; `sizes` say how many patients
    have each of the two as their guarantor."""
    if guarantors[guarantor_id] == patient_id:
        message = "This patient is the guarantor of that one: they cannot answer for each other."
        return Refusal(RefusalCode.GUARANTOR_CIRCLE, message, field)
    if guarantors[guarantor_id] is not None:
        message = "The guarantor has a guarantor: name that one."
        return Refusal(RefusalCode.GUARANTOR_CHAIN, message, field)
    if sizes.get(patient_id):
        message = "This patient is the guarantor of others: give them another one first."
        return Refusal(RefusalCode.GUARANTOR_CHAIN, message, field)
    if sizes.get(guarantor_id, 0) + 2 > MAX_MEMBERS:
        message = f"A household has at most {MAX_MEMBERS} members, its guarantor among them."
        return Refusal(RefusalCode.HOUSEHOLD_FULL, message, field)
    return None

"""Who answers for the patients of an import, as its rows say it by external ids.

A row may come before its guarantor's: the patient waits for that one, and gets them when they come
in, in whichever file of the same source. A guarantor who cannot be set keeps no row out.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.claims import Claim
from gql_app.work.households import regroup
from gql_app.work.imports.known import Known, KnownPatient
from gql_app.work.imports.rows import Incoming
from models.database import among, among_found, fetch, texts_of, write
from models.household import Regrouped, check_guarantor, households_of
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN

FIELD = "guarantorExternalId"

NOT_THERE = Refusal(
    RefusalCode.NOT_FOUND,
    "There is no patient with this external id. The guarantor is set once they come in.",
    FIELD,
)


class _Size(NamedTuple):
    guarantor_id: int
    number: int


class _Held(NamedTuple):
    head_id: int
    claimed_by_id: int
    claimed_until: datetime
    claim_id: str | None


@dataclass
class Answered:
    """What came of the guarantors that rows name: who has another one, and by the rows' external
    ids what was not set, and why."""

    regrouped: list[Regrouped] = field(default_factory=list)
    notes: dict[str, Refusal] = field(default_factory=dict)

    @property
    def changed(self) -> set[int]:
        return {row.patient_id for row in self.regrouped}


async def link_guarantors(change: Change, known: Known, rows: Sequence[Incoming]) -> Answered:
    """Set the guarantors of the rows' patients, who are locked and written, as are all guarantors
    who are there; and of those who waited for one of these. The claims on their households are put
    on `known` patients."""
    there = {patient.id: patient for patient in (*known.patients.values(), *known.waiting)}
    households = await _Households.of(change, there)
    answered, awaited = Answered(), {}
    for row in rows:
        if not row.guarantor or row.patient_external_id in known.merged:
            continue
        patient = known.patients[row.patient_external_id]
        refusal = households.put(patient, known.patients.get(row.guarantor))
        awaited[patient.id] = None if refusal is None else row.guarantor
        if refusal is not None:
            answered.notes[row.external_id] = refusal
    for patient in known.waiting:
        guarantor = known.patients.get(patient.awaits or "")
        if patient.id not in awaited and guarantor is not None:
            refusal = households.put(patient, guarantor)
            awaited[patient.id] = None if refusal is None else patient.awaits
    answered.regrouped = households.regrouped()
    await regroup(change, answered.regrouped)
    await _note_awaited(change, {i: text for i, text in awaited.items() if there[i].awaits != text})
    if households.has_any:
        await _take_claims(change, there, households.guarantors)
    return answered


class _Households:
    """The households of patients of an import, as rows change them."""

    def __init__(self, guarantors: dict[int, int | None], sizes: Counter[int]) -> None:
        self.guarantors = guarantors
        self._before = dict(guarantors)
        self._sizes = sizes

    @classmethod
    async def of(cls, change: Change, there: dict[int, KnownPatient]) -> "_Households":
        sql = f"""SELECT p.guarantor_id, COUNT(*) FROM patient p
        WHERE p.practice_id = $1 AND {among("p.guarantor_id", 2)} GROUP BY p.guarantor_id"""
        ids = {*there} | {patient.guarantor_id for patient in there.values()} - {None}
        found = await fetch(_Size, sql, change.practice_id, sorted(filter(None, ids)))
        guarantors = {patient.id: patient.guarantor_id for patient in there.values()}
        return cls(guarantors, Counter({size.guarantor_id: size.number for size in found}))

    @property
    def has_any(self) -> bool:
        return any(self._sizes.values())

    def put(self, patient: KnownPatient, guarantor: KnownPatient | None) -> Refusal | None:
        """Give a patient a guarantor, who may be the patient; or say why not."""
        if guarantor is None:
            return NOT_THERE
        before = self.guarantors[patient.id]
        after = None if guarantor.id == patient.id else guarantor.id
        if before == after:
            return None
        self._set(patient.id, None)
        if after is not None:
            refusal = check_guarantor(patient.id, after, self.guarantors, self._sizes, FIELD)
            if refusal is not None:
                self._set(patient.id, before)
                return refusal
        self._set(patient.id, after)
        return None

    def _set(self, patient_id: int, guarantor_id: int | None) -> None:
        before = self.guarantors[patient_id]
        if before is not None:
            self._sizes[before] -= 1
        if guarantor_id is not None:
            self._sizes[guarantor_id] += 1
        self.guarantors[patient_id] = guarantor_id

    def regrouped(self) -> list[Regrouped]:
        changed = ((i, self._before[i], after) for i, after in self.guarantors.items())
        return [Regrouped(*row) for row in sorted(changed) if row[1] != row[2]]


async def _note_awaited(change: Change, awaited: dict[int, str | None]) -> None:
    if not awaited:
        return
    sql = f"""UPDATE patient SET awaited_guarantor = listed.guarantor
    FROM {texts_of(2, "guarantor")} WHERE patient.practice_id = $1 AND patient.id = listed.id"""
    listed = {i: [text] for i, text in awaited.items()}
    await write(sql, change.practice_id, json.dumps(listed))


async def _take_claims(
    change: Change, there: dict[int, KnownPatient], guarantors: dict[int, int | None]
) -> None:
    """Let tasks that are made come under the claims on their households."""
    members = households_of(among("h.id", 2))
    sql = f"""SELECT COALESCE(p.guarantor_id, p.id), t.claimed_by_id, t.claimed_until, t.claim_id
    FROM task t JOIN patient p ON p.practice_id = t.practice_id AND p.id = t.patient_id
    WHERE t.practice_id = $1 AND {among_found("t.patient_id", members)} AND {IS_OPEN}
      AND t.claimed_until > $3"""
    found = await fetch(_Held, sql, change.practice_id, sorted(there), change.now)
    claims = {held.head_id: Claim(*held[1:]) for held in found}
    for patient in there.values():
        claim = claims.get(guarantors[patient.id] or patient.id)
        patient.claim = patient.claim or claim

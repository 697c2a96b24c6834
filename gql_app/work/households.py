"""Households: who answers for a patient. One claim covers all members, so what changes the members
also sees to it that what is claimed is claimed whole.

Locks: all members of the households that are changed, by id, then their open tasks by id.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.claims import Claim, put_claim
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.locking import Member, lock_households
from gql_app.work.patients import touch_tasks
from gql_app.work.reads.patients import merged_patients, patient_now, patients_by_id
from gql_app.work.results import missing
from models.audit import AuditAction
from models.database import (
    Id,
    among,
    among_found,
    fetch,
    fetch_joined,
    for_update,
    has_row_locks,
    texts_of,
    write,
)
from models.event import TaskEventKind
from models.household import MAX_MEMBERS, Regrouped, check_guarantor, households_of
from models.people import PatientRow
from models.refusals import Refusal, RefusalCode
from models.task import FOUND_AGAIN, IS_OPEN, TASK_COLUMNS, TaskRow


@dataclass(frozen=True, slots=True)
class GuarantorResult:
    """The patient as they are now, and the refusals."""

    patient: PatientRow | None = None
    refusals: tuple[Refusal, ...] = ()


async def set_guarantor(
    change: Change, patient_id: int, guarantor_id: int | None
) -> GuarantorResult:
    """Say who answers for a patient; None, or the patient, if nobody else does. Refusals change
    nothing. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_edit_patients, "say who answers for patients")
    asked = {"patientId": patient_id, "guarantorId": guarantor_id or patient_id}
    meant = {field: await _meant(viewer, row_id) for field, row_id in asked.items()}
    members = await lock_households(change.practice_id, [*filter(None, meant.values())])
    standing = await _standing(change, [member.id for member in members])
    patient, guarantor = meant["patientId"], meant["guarantorId"]
    if patient is None or patient not in standing:
        return GuarantorResult(refusals=(missing("patient", "patientId"),))
    if guarantor is None or guarantor not in standing:
        refusals: tuple[Refusal, ...] = (missing("patient", "guarantorId"),)
    else:
        after = None if guarantor == patient else guarantor
        refusals = await _give(change, patient, after, members)
    return GuarantorResult(await patient_now(change.practice_id, patient), refusals)


async def _meant(viewer: Viewer, patient_id: int) -> int | None:
    """The patient whom the key may see and change by this id: the survivor for one who was merged
    away."""
    found = await patients_by_id(viewer, [patient_id])
    found = found or [gone.survivor for gone in await merged_patients(viewer, [patient_id])]
    return found[0].id if found else None


async def _standing(change: Change, ids: Collection[int]) -> set[int]:
    """Those of locked patients who are there: neither merged away, nor taken back."""
    sql = f"""SELECT p.id FROM patient p WHERE p.practice_id = $1 AND {among("p.id", 2)}
    AND p.merged_into_id IS NULL AND p.taken_back_at IS NULL"""
    return {row.id for row in await fetch(Id, sql, change.practice_id, list(ids))}


async def _give(
    change: Change, patient_id: int, guarantor_id: int | None, members: Sequence[Member]
) -> tuple[Refusal, ...]:
    """Give a locked patient a guarantor, whose household is locked too; or say why not."""
    guarantors = {member.id: member.guarantor_id for member in members}
    before = guarantors[patient_id]
    if before == guarantor_id:
        return ()
    guarantors[patient_id] = None
    if guarantor_id is not None:
        refusal = check_guarantor(patient_id, guarantor_id, guarantors, sizes(guarantors))
        if refusal is not None:
            return (refusal,)
    for _, task in await open_tasks_of(change, guarantors):
        if refusal := await claimed_by_other(change.viewer, task, change.now):
            return (refusal._replace(field=None),)
    await regroup(change, [Regrouped(patient_id, before, guarantor_id)])
    sql = "UPDATE patient SET version = version + 1 WHERE practice_id = $1 AND id = $2"
    await write(sql, change.practice_id, patient_id)
    change.note(AuditAction.CHANGE, "guarantor", patient_id=patient_id)
    return ()


def sizes(guarantors: dict[int, int | None]) -> Counter[int]:
    """How many patients have each guarantor."""
    return Counter(guarantor for guarantor in guarantors.values() if guarantor is not None)


async def regroup(change: Change, regrouped: Sequence[Regrouped]) -> None:
    """Give locked patients other guarantors, who are locked too, as may be. What is open of their
    households gets an event, by which dashboards learn of it."""
    if not regrouped:
        return
    listed = {row.patient_id: [row.after and str(row.after)] for row in regrouped}
    sql = f"""UPDATE patient
    SET guarantor_id = CAST(listed.guarantor AS BIGINT), awaited_guarantor = NULL
    FROM {texts_of(2, "guarantor")} WHERE patient.practice_id = $1 AND patient.id = listed.id"""
    await write(sql, change.practice_id, json.dumps(listed))
    ids = {i for row in regrouped for i in row if i is not None}
    await touch_tasks(change, [task for _, task in await open_tasks_of(change, ids)])
    await settle(change, ids)


async def open_tasks_of(
    change: Change, patient_ids: Collection[int]
) -> list[tuple[Member, TaskRow]]:
    """The open tasks of these patients, who are locked, and of their households, locked, by id."""
    members = households_of(among("h.id", 2))
    sql = f"""SELECT p.id, p.guarantor_id, {TASK_COLUMNS} FROM task t
    JOIN patient p ON p.practice_id = t.practice_id AND p.id = t.patient_id
    WHERE t.practice_id = $1 AND {among_found("t.patient_id", members)} AND {IS_OPEN}
    ORDER BY t.id {f"{for_update()} OF t" if has_row_locks() else ""}"""
    whose, tasks = await fetch_joined((Member, TaskRow), sql, change.practice_id, list(patient_ids))
    return [*zip(whose, tasks, strict=True)]


async def settle(change: Change, ids: Iterable[int]) -> None:
    """Put what is open of these patients' households, whose members have changed, under one claim,
    if there is one, and have the next claim look again whether they rest."""
    households: dict[int, list[TaskRow]] = {}
    for member, task in await open_tasks_of(change, {*ids}):
        households.setdefault(member.guarantor_id or member.id, []).append(task)
    tasks = [task.id for some in households.values() for task in some]
    sql = f"""UPDATE task SET {FOUND_AGAIN}
    WHERE practice_id = $1 AND {among("id", 2)} AND rests_since IS NOT NULL"""
    await write(sql, change.practice_id, tasks)
    for some in households.values():
        await _claim_whole(change, some)


async def _claim_whole(change: Change, tasks: Sequence[TaskRow]) -> None:
    """Put a household's open tasks under the claim that some of them are under, or the one of that
    person that holds for longer. What two people hold by now, each of them goes on to hold."""
    claims = [
        Claim(task.claimed_by_id, task.claimed_until, task.claim_id)
        for task in tasks
        if task.claimed_by_id is not None and task.claimed_until is not None
    ]
    held = [claim for claim in claims if claim.claimed_until > change.now]
    if not held:
        return
    claim = max(held, key=lambda claim: claim.claimed_until)
    coming = [
        task
        for task in tasks
        if (task.claimed_by_id, task.claimed_until, task.claim_id) != claim
        and (not task.is_claimed(change.now) or task.claimed_by_id == claim.claimed_by_id)
    ]
    await put_claim(change, coming, claim, TaskEventKind.CLAIMED)


_TOO_MANY = Refusal(
    RefusalCode.HOUSEHOLD_FULL,
    f"Together their households have more than {MAX_MEMBERS} members.",
)


def merged_households(
    survivor_id: int, merged_id: int, members: Iterable[Member]
) -> list[Regrouped] | Refusal:
    """Who gets another guarantor when one patient is merged into another one. For whom the merged
    one answers, the survivor does, or the survivor's guarantor. The survivor's own guarantor stays;
    one who has none and answers for nobody takes over the merged one's."""
    before = {member.id: member.guarantor_id for member in members}
    after = dict(before)
    after[merged_id] = None
    own = None if before[survivor_id] == merged_id else before[survivor_id]
    others = before.keys() - {survivor_id, merged_id}
    answers = any(before[other] in (survivor_id, merged_id) for other in others)
    if own is None and not answers and before[merged_id] != survivor_id:
        own = before[merged_id]
    after[survivor_id] = own
    head = own or survivor_id
    for other in others:
        if before[other] == merged_id:
            after[other] = head
    if sizes(after)[head] + 1 > MAX_MEMBERS:
        return _TOO_MANY
    return [Regrouped(i, before[i], after[i]) for i in sorted(before) if before[i] != after[i]]


async def restore_guarantors(
    change: Change, regrouped: Sequence[Regrouped], members: Sequence[Member]
) -> None:
    """Give locked patients back the guarantors whom they had before, if nobody has given them
    others since; one who cannot answer for them any more, nobody. `members` are the locked ones of
    all these households."""
    standing = await _standing(change, [member.id for member in members])
    guarantors = {member.id: member.guarantor_id for member in members if member.id in standing}
    back = [
        row
        for row in regrouped
        if row.patient_id in guarantors and guarantors[row.patient_id] == row.after
    ]
    for row in back:
        guarantors[row.patient_id] = None
    for patient_id, before, _ in back:
        if before in guarantors and not check_guarantor(
            patient_id, before, guarantors, sizes(guarantors)
        ):
            guarantors[patient_id] = before
    restored = [Regrouped(i, after, guarantors[i]) for i, _, after in back]
    await regroup(change, [row for row in restored if row.before != row.after])

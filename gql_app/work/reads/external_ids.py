"""How other systems call patients and tasks: found by these ids, and shown with them."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions
from models.database import Id, among, fetch, fetch_joined


class ExternalId(NamedTuple):
    """How another system calls a patient or a task: 1 to 100 characters of source and 1 to 200 of
    id."""

    source: str
    id: str


class ExternalIds(NamedTuple):
    """The external ids of the patient, or task, with this id."""

    id: int
    ids: list[ExternalId]


def has_external_id(where: Conditions, external_id: ExternalId) -> str:
    """SQL that is true of a patient `p` who has this external id, or into whom the one who has it
    was merged."""
    source, given = where.value(external_id.source), where.value(external_id.id)
    return f"""p.id IN (SELECT COALESCE(g.merged_into_id, g.id) FROM patient g
        WHERE g.practice_id = $1 AND g.source = ${source} AND g.external_id = ${given})"""


async def task_of_external_id(scope: Scope, external_id: ExternalId) -> int | None:
    """The id of the task that another system calls so; None if the key does not allow it."""
    where = Conditions.of(scope, "t", "t.queue_id")
    where.add(f"t.source = ${where.value(external_id.source)}")
    where.add(f"t.external_id = ${where.value(external_id.id)}")
    found = await fetch(Id, f"SELECT t.id FROM task t WHERE {where}", *where.values)
    return found[0].id if found else None


async def external_ids_of_tasks(scope: Scope, ids: Sequence[int]) -> list[ExternalIds]:
    """The external ids of those among the tasks that the key allows and that have any."""
    where = Conditions.of(scope, "t", "t.queue_id")
    where.among("t.id", list(ids))
    sql = f"""SELECT t.id, t.source, t.external_id FROM task t
    WHERE {where} AND t.external_id IS NOT NULL"""
    return await _grouped(sql, where)


async def external_ids_of_patients(scope: Scope, ids: Sequence[int]) -> list[ExternalIds]:
    """The external ids of patients whom the key was shown: their own first, then those of patients
    who were merged into them."""
    where = Conditions.of(scope, "p")
    listed = where.value(list(ids))
    sql = f"""SELECT COALESCE(p.merged_into_id, p.id), p.source, p.external_id FROM patient p
    WHERE {where} AND p.external_id IS NOT NULL
      AND ({among("p.id", listed)} OR {among("p.merged_into_id", listed)})
    ORDER BY p.merged_into_id IS NOT NULL, p.id"""
    return await _grouped(sql, where)


async def _grouped(sql: str, where: Conditions) -> list[ExternalIds]:
    whose, called = await fetch_joined((Id, ExternalId), sql, *where.values)
    found: dict[int, list[ExternalId]] = {}
    for one, external_id in zip(whose, called, strict=True):
        found.setdefault(one.id, []).append(external_id)
    return [ExternalIds(row_id, ids) for row_id, ids in found.items()]

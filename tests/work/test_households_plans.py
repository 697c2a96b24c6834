"""However many patients and families there are, a claim reads the few rows of one household."""

import json
from typing import Any

import pytest

from gql_app.work import claims, locking, next_claims, resting
from gql_app.work.reads import last_calls
from models.database import fetch, fetch_first, write
from models.task import Task
from tests.office import Office
from tests.work.agents import claims_of
from tests.work.test_claim_next import MANY, PATIENTS, TASKS, _nodes

FAMILIES = """
UPDATE patient SET guarantor_id = id - n % 4
FROM (SELECT id AS i, row_number() OVER (ORDER BY id) - 1 AS n FROM patient
    WHERE practice_id = $1) p
WHERE practice_id = $1 AND id = i AND n % 4 > 0 AND n % 40 < 4
"""
"""One patient in ten is in a family of four."""


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("with_families", [True, False])
async def test_a_claim_reads_one_household_by_its_indexes(
    office: Office, monkeypatch: pytest.MonkeyPatch, with_families: bool
) -> None:
    here = office.practice.id
    await write(PATIENTS, here, MANY)
    if with_families:
        await write("ANALYZE patient")  # the key is checked for each row, and by this plan
        await write(FAMILIES, here)
    await write(TASKS, here, office.recall.id, MANY, office.today)
    await write("ANALYZE")
    asked: list[tuple[str, tuple[object, ...]]] = []

    def noting(read: Any) -> Any:
        async def note(row: Any, sql: str, *values: object) -> Any:
            asked.append((sql, values))
            return await read(row, sql, *values)

        return note

    for module in (claims, locking, next_claims, resting, last_calls):
        for name, read in (("fetch", fetch), ("fetch_first", fetch_first)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, noting(read))
    task = (
        await Task.filter(practice_id=here, closed_at=None, expires_at=None).order_by("-id").first()
    )
    assert task is not None
    result = await claims_of(office).claim(office.staff, task.id, "c1")
    assert result.refusals == ()
    assert (await claims_of(office).claim_next(office.staff, None)).task is not None
    await office.make_task(patient=office.patients[1])
    monkeypatch.undo()

    assert len(asked) >= 6
    for sql, values in asked:
        explained = await write(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
        plan = explained[0]["QUERY PLAN"]
        nodes = list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
        # Of other tables there are no rows here.
        scans = [node for node in nodes if node.get("Relation Name") in ("patient", "task")]
        assert [node for node in scans if node["Node Type"] == "Seq Scan"] == [], sql
        looked_at = (
            node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            for node in scans
        )
        assert max(looked_at, default=0) <= 100, sql


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_looks_for_the_last_call_among_those_of_the_tasks(office: Office) -> None:
    sql = f"EXPLAIN QUERY PLAN SELECT {last_calls.call_of('$2')}"
    plan = [row["detail"] for row in await write(sql, office.practice.id, office.patients[0].id)]
    indexes = {line.partition("INDEX ")[2].partition(" ")[0] for line in plan if " INDEX " in line}
    assert {"patient_guarantor", "task_by_patient", "contact_by_task"} <= indexes
    assert "contact_by_moment" not in indexes

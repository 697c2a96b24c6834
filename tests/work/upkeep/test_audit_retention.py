"""Rows of the audit are kept for years; what is left after the oldest go is sound."""

from datetime import timedelta

import pytest

from gql_app.clock import Doubtful
from gql_app.work.upkeep.audit_retention import prune_audit
from gql_app.work.upkeep.verifying import Verdict, verify_audit
from models.practice import Practice
from tests.office import Office
from tests.support.audited import audit_of

KEEP = timedelta(days=2_192)


async def test_rows_older_than_is_kept_are_removed_and_no_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.upkeep.audit_retention.BATCH", 2)
    await office.make_task()
    old = len(await audit_of(office.practice))
    office.clock.advance(days=2_193)
    task = await office.make_task()
    await office.log(task)

    assert await prune_audit(office.changes, KEEP, office.clock()) == old
    assert [row.seq for row in await audit_of(office.practice)] == [old + 1, old + 2]
    assert await prune_audit(office.changes, KEEP, office.clock()) == 0
    assert await verify_audit(office.practice.id) == Verdict(old + 1, old + 2, None)


async def test_when_all_is_old_the_chain_goes_on_from_the_last(office: Office) -> None:
    office.clock.advance(days=2_193)
    assert await prune_audit(office.changes, KEEP, office.clock())
    assert await audit_of(office.practice) == []
    await office.make_task()
    (row,) = await audit_of(office.practice)
    assert (await verify_audit(office.practice.id)) == Verdict(row.seq, row.seq, None)


async def test_a_clock_that_is_years_ahead_removes_nothing(office: Office) -> None:
    for _ in range(20):
        await office.make_task()
    before = await audit_of(office.practice)
    ahead = office.clock() + timedelta(days=3_000)
    with pytest.raises(Doubtful, match="prune --force"):
        await prune_audit(office.changes, KEEP, ahead)
    assert await audit_of(office.practice) == before
    assert await prune_audit(office.changes, KEEP, ahead, forced=True) == len(before)
    practice = await Practice.get(id=office.practice.id)
    assert practice.audit_pruned_through == practice.audit_seq

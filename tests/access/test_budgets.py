"""What a key may spend comes back with time, and never more of it than a full budget."""

import asyncio

import pytest

from gql_app.access import RateLimited, budgets
from gql_app.access.budgets import FREE, WAITING, Buckets, Budgets, Refill, Spent, cost_budget


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, which only the test moves."""
    now = [1_000.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])
    return now


def test_what_was_taken_comes_back_with_time(passed: list[float]) -> None:
    buckets = Buckets(Refill(2, 10))
    assert [buckets.take("a", 4) for _ in range(3)] == [0, 0, 1.0]
    assert buckets.take("b", 10) == 0
    passed[0] += 0.5
    assert buckets.take("a", 4) == 0.5  # what was refused has taken nothing
    passed[0] += 0.5
    assert buckets.take("a", 4) == 0
    passed[0] += 3_600
    assert buckets.left("a") == 10


def test_more_than_a_full_budget_is_let_in_when_it_is_full(passed: list[float]) -> None:
    buckets = Buckets(Refill(2, 10))
    assert buckets.take("a", 1_000) == 0
    assert buckets.take("a", 1_000) == 5


def test_full_budgets_are_forgotten(passed: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "KNOWN", 10)
    buckets = Buckets(Refill(2, 10))
    buckets.take("spent", 10)
    for n in range(100):
        buckets.take(n, 1)
        passed[0] += 0.04
    assert len(buckets._held) <= 11
    assert buckets.left(99) < 10


async def test_a_query_pays_for_what_is_beyond_a_page(passed: list[float]) -> None:
    of_keys = Budgets(cost=cost_budget(1_000))
    assert await of_keys.spend_cost(1, FREE) == Spent(0, 20_000, 1_000)
    assert await of_keys.spend_cost(1, FREE + 15_000) == Spent(15_000, 5_000, 1_000)
    with pytest.raises(RateLimited) as refused:
        await of_keys.spend_cost(1, FREE + 5_001)
    assert refused.value.retry_after == 1
    assert of_keys.refused["cost"] == 1
    assert (await of_keys.spend_cost(2, FREE + 20_000)).available == 0


def test_changes_are_counted_by_key(passed: list[float]) -> None:
    of_keys = Budgets()
    of_keys.spend_changes(1, 500)
    with pytest.raises(RateLimited):
        of_keys.spend_changes(1, 1)
    of_keys.spend_changes(2, 1)
    passed[0] += 1
    of_keys.spend_changes(1, 50)


async def test_dear_queries_of_a_key_stand_in_line_and_those_of_others_do_not() -> None:
    of_keys, order = Budgets(), []
    may_end = asyncio.Event()

    async def query(key_id: int, name: str) -> None:
        async with of_keys.in_line(key_id):
            order.append(name)
            await may_end.wait()

    running = [asyncio.create_task(query(1, "a")), asyncio.create_task(query(1, "b"))]
    running.append(asyncio.create_task(query(2, "c")))
    await asyncio.sleep(0)
    assert order == ["a", "c"]
    running[0].cancel()  # one that goes away makes room
    running += [asyncio.create_task(query(1, str(n))) for n in range(WAITING + 5)]
    may_end.set()
    done = await asyncio.gather(*running, return_exceptions=True)
    assert sum(isinstance(each, RateLimited) for each in done) == of_keys.refused["line"] > 0
    assert order[2] == "b"
    assert not of_keys._lines

"""What dear queries cost is counted in Redis for all processes, and by each alone without it."""

from typing import Any

import pytest

from gql_app.access import RateLimited
from gql_app.access.budgets import FREE
from gql_app.access.shared_budgets import RedisBudget, make_budgets
from tests.brokers import RedisServer, redis_server

KEY = 7


async def test_processes_share_one_budget(redis_url: str) -> None:
    one, other = (make_budgets(redis_url, 10_000, 50) for _ in range(2))
    key: Any = f"a key of {id(one)}"
    left = [(await b.spend_cost(key, FREE + 90_000)).available for b in (one, other)]
    assert left == [110_000, 20_000]
    with pytest.raises(RateLimited) as refused:
        await one.spend_cost(key, FREE + 40_000)
    assert refused.value.retry_after == 4
    assert (await other.spend_cost(key, FREE)).available == 20_000
    for budgets in (one, other):
        await budgets.close()


async def test_without_redis_each_process_counts_by_itself() -> None:
    with redis_server() as server:
        budgets = make_budgets(server.url, 10_000, 50)
        await budgets.spend_cost(KEY, FREE + 1_000)
        await _stop(server)
        assert (await budgets.spend_cost(KEY, FREE + 150_000)).available < 60_000
        with pytest.raises(RateLimited):
            await budgets.spend_cost(KEY, FREE + 150_000)
        assert isinstance(budgets.shared, RedisBudget)
        assert budgets.shared.fallbacks > 0
        await budgets.close()


async def _stop(server: RedisServer) -> None:
    await server.stop()


def test_other_buses_share_nothing() -> None:
    for url in ("memory://", "postgres://127.0.0.1/x"):
        assert make_budgets(url, 10_000, 50).shared is None

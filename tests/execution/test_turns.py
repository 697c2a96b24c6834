"""Long documents are read one at a time, with as long a rest after each."""

import asyncio
from itertools import pairwise
from time import monotonic

from gql_app.execution.memory import Turns
from tests.serving import PATIENCE


async def test_one_at_a_time_and_nobody_for_as_long_as_that_took() -> None:
    turns = Turns()
    taken: list[tuple[float, float]] = []

    async def take(seconds: float) -> None:
        async with turns:
            begun = monotonic()
            await asyncio.sleep(seconds)
            taken.append((begun, monotonic()))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(take(0.05), take(0.02), take(0.0))
    for (begun, ended), (following, _) in pairwise(taken):
        assert following >= ended + (ended - begun) - 0.001


async def test_who_gives_up_in_a_rest_lets_the_next_one_in() -> None:
    turns = Turns()
    async with asyncio.timeout(PATIENCE):
        async with turns:
            await asyncio.sleep(0.1)
        waits = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.wait([waits])
        async with turns:
            pass


async def test_a_turn_that_fails_lets_the_next_one_in() -> None:
    turns = Turns()
    async with asyncio.timeout(PATIENCE):
        try:
            async with turns:
                raise ValueError
        except ValueError:
            async with turns:
                pass

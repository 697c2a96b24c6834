"""How a process ends in time: what is waited for, and until when."""

import asyncio

from gql_app.stopping import drained

SHARE = 0.3


async def test_changes_that_hang_are_waited_for_once_not_at_each_step_of_a_stop() -> None:
    async with drained(asyncio.Event().wait, SHARE) as wait:
        await wait()
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < SHARE / 2


async def test_changes_that_begin_during_a_stop_have_what_is_left_of_its_time() -> None:
    done: list[str] = []

    async def drain() -> None:
        done.append("begun")
        await asyncio.sleep(0)
        done.append("ended")

    async with drained(drain, SHARE) as wait:
        await wait()
    assert done == ["begun", "ended"] * 2

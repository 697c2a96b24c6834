"""A coroutine that need not wait is over at once; one that waits goes on as if it were awaited."""

import asyncio

import pytest

from gql_app.web.first_step import begun


async def test_what_need_not_wait_is_over_at_once() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begun(work()) is None
    assert done == [1]


async def test_what_waits_goes_on_to_its_end_when_it_is_awaited() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done = []

    async def work() -> None:
        done.append(await future)
        await asyncio.sleep(0.001)
        done.append(2)

    rest = begun(work())
    assert rest is not None
    assert done == []
    future.set_result(1)
    await rest
    assert done == [1, 2]


async def test_what_it_raises_is_raised_before_and_after_it_has_waited() -> None:
    async def work(wait: bool) -> None:
        if wait:
            await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        begun(work(wait=False))
    rest = begun(work(wait=True))
    assert rest is not None
    with pytest.raises(LookupError):
        await rest


async def test_a_time_limit_reaches_into_it() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    rest = begun(work())
    assert rest is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await rest
    assert ended == [1]

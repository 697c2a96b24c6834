"""What is held is opened once for all who use it, and closed by the last of them."""

import asyncio

import pytest

from gql_app.live.held import Held
from tests.serving import PATIENCE

KEY = "key"


class Thing:
    """A thing that says when it is closed, and can be slow to close."""

    def __init__(self) -> None:
        self.has_ended = False
        self.is_closing = False
        self.is_closed = False
        self.may_close = asyncio.Event()
        self.may_close.set()

    async def close(self) -> None:
        assert not self.is_closing, "it is closed once"
        self.is_closing = True
        await self.may_close.wait()
        self.is_closed = True


class Opener:
    """Opens things, as soon as it may; while there are `failures`, opening fails."""

    def __init__(self) -> None:
        self.opened: list[Thing] = []
        self.failures = 0
        self.asked = 0
        self.may_open = asyncio.Event()
        self.may_open.set()

    async def __call__(self) -> Thing:
        self.asked += 1
        await self.may_open.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.opened.append(Thing())
        return self.opened[-1]


class Holder:
    """One who holds the thing in a task of its own until it lets go."""

    def __init__(self, held: Held[str, Thing], opener: Opener) -> None:
        self.lets_go = asyncio.Event()
        self._has = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._hold(held, opener))

    async def _hold(self, held: Held[str, Thing], opener: Opener) -> None:
        async with held.hold(KEY, opener) as thing:
            self._has.set_result(thing)
            await self.lets_go.wait()

    async def thing(self) -> Thing:
        """What it holds, once it does; raises what it failed with."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._has, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not self._has.done():
            self.task.result()
        held: Thing = self._has.result()
        return held

    async def leave(self) -> None:
        self.lets_go.set()
        await asyncio.wait_for(self.task, PATIENCE)


@pytest.fixture
def held() -> Held[str, Thing]:
    return Held()


@pytest.fixture
async def opener() -> Opener:
    return Opener()


async def turns() -> None:
    """Let all go on as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_who_ask_at_once_open_it_once_and_the_last_closes_it(
    held: Held[str, Thing], opener: Opener
) -> None:
    holders = [Holder(held, opener) for _ in range(20)]
    things = {await holder.thing() for holder in holders}
    assert things == set(opener.opened)
    (thing,) = things
    assert (held.get(KEY), held.holders, len(held)) == (thing, 20, 1)
    for holder in holders:
        assert not thing.is_closing
        await holder.leave()
    assert thing.is_closed
    assert (held.get(KEY), held.holders, len(held)) == (None, 0, 0)


async def test_an_opening_that_fails_lets_the_next_one_try(
    held: Held[str, Thing], opener: Opener
) -> None:
    opener.failures = 2
    holders = [Holder(held, opener) for _ in range(4)]
    for holder in holders[:2]:
        with pytest.raises(ConnectionError):
            await holder.thing()
    assert await holders[2].thing() is await holders[3].thing()
    assert (opener.asked, held.holders) == (3, 2)


@pytest.mark.parametrize("first", [0, 1])
async def test_one_who_is_cancelled_while_it_waits_does_not_count(
    held: Held[str, Thing], opener: Opener, first: int
) -> None:
    opener.may_open.clear()
    holders = [Holder(held, opener) for _ in range(2)]
    await turns()
    gone, stays = holders[first], holders[1 - first]
    gone.task.cancel()
    await turns()
    assert gone.task.cancelled()
    opener.may_open.set()
    thing = await stays.thing()
    assert (held.holders, len(opener.opened)) == (1, 1)
    await stays.leave()
    assert thing.is_closed


async def test_one_that_has_ended_is_replaced_and_closed_by_its_own_last_holder(
    held: Held[str, Thing], opener: Opener
) -> None:
    before = [Holder(held, opener) for _ in range(2)]
    ended = await before[0].thing()
    await turns()
    ended.has_ended = True
    after = Holder(held, opener)
    fresh = await after.thing()
    assert fresh is not ended
    assert held.get(KEY) is fresh
    await before[0].leave()
    assert not ended.is_closing
    await before[1].leave()
    assert ended.is_closed
    assert (held.get(KEY), fresh.is_closing) == (fresh, False)
    await after.leave()
    assert fresh.is_closed


async def test_one_who_comes_while_the_last_closes_it_gets_another(
    held: Held[str, Thing], opener: Opener
) -> None:
    last = Holder(held, opener)
    closing = await last.thing()
    closing.may_close.clear()
    last.lets_go.set()
    await turns()
    assert closing.is_closing
    newcomer = Holder(held, opener)
    fresh = await newcomer.thing()
    assert fresh is not closing
    closing.may_close.set()
    await last.leave()
    assert held.get(KEY) is fresh
    assert not fresh.is_closing
    await newcomer.leave()
    assert len(held) == 0

"""Keys are looked up together, and no answer is older than the question."""

import asyncio
import secrets
from typing import Any

import pytest

from gql_app.access import KeyLookup, Unauthenticated, Viewer, lookup
from gql_app.clock import machine_time
from models.database import fetch
from tests.brokers import until
from tests.office import Office, make_office
from tests.serving import PATIENCE
from tests.support.access import revoke_key


class Looks:
    """The looks at the database. Each one ends when `may_end` is set, the first one with `error`
    if there is one."""

    def __init__(self) -> None:
        self.read = 0
        self.keys = KeyLookup(machine_time)
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def fetch(self, row: Any, sql: str, *values: object) -> list[Any]:
        rows = await fetch(row, sql, *values)
        self.read += 1
        is_first = self.read == 1
        await self.may_end.wait()
        if is_first and self.error is not None:
            raise self.error
        return rows


@pytest.fixture
def looks(office: Office, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """The looks from now on, by whoever asks."""
    looks = Looks()
    monkeypatch.setattr(lookup, "fetch", looks.fetch)
    return looks


async def test_however_many_ask_at_once_each_gets_an_answer_from_few_looks(
    office: Office, looks: Looks
) -> None:
    looks.may_end.set()
    others = [await make_office(slug) for slug in ("birch", "elm")]
    viewers = {
        key: getattr(one, role) for one in (office, *others) for role, key in one.keys.items()
    }
    unknown = [f"cb_{office.practice.id}_{secrets.token_urlsafe(32)}" for _ in range(500)]
    looks.read = 0
    asked = [*viewers, *unknown, *viewers, "nonsense", *viewers]
    answers = await _answers(*await _asking(looks, *asked))
    assert looks.read <= 2
    for key, answer in zip(asked, answers, strict=True):
        if key in viewers:
            assert answer == viewers[key]
        else:
            assert isinstance(answer, Unauthenticated), answer


async def test_who_asks_after_a_key_was_revoked_is_refused_though_a_look_is_under_way(
    office: Office, looks: Looks
) -> None:
    before = await _looking(office, looks)
    await revoke_key(office.practice, office.staff.key_id)
    after = await _asking(looks, office.keys["staff"])
    looks.may_end.set()
    answers = await _answers(before, *after)
    assert answers[0] == office.staff
    assert isinstance(answers[1], Unauthenticated)


async def test_who_asks_while_a_look_is_under_way_shares_the_next(
    office: Office, looks: Looks
) -> None:
    before = await _looking(office, looks)
    after = [asking for _ in range(20) for asking in await _asking(looks, *office.keys.values())]
    looks.may_end.set()
    answers = await _answers(before, *after)
    assert answers == [office.staff] + [getattr(office, role) for role in office.keys] * 20
    assert looks.read == 2


@pytest.mark.parametrize("who", ["the first", "the second"])
async def test_one_who_goes_away_does_not_end_the_look_for_others(
    office: Office, looks: Looks, who: str
) -> None:
    asking = await _asking(looks, *[office.keys["staff"]] * 2)
    await until(lambda: looks.read == 1)
    gone, stays = asking if who == "the first" else reversed(asking)
    gone.cancel()
    await asyncio.wait({gone})
    assert gone.cancelled()
    looks.may_end.set()
    assert await _answers(stays) == [office.staff]
    assert looks.read == 1


async def test_a_look_that_fails_does_so_for_those_who_wait_for_it_alone(
    office: Office, looks: Looks
) -> None:
    looks.error = ConnectionRefusedError("The database is away.")
    before = await _asking(looks, office.keys["staff"], office.keys["partner"])
    await until(lambda: looks.read == 1)
    after = await _asking(looks, office.keys["staff"])
    looks.may_end.set()
    answers = await _answers(*before, *after)
    assert answers == [looks.error, looks.error, office.staff]
    assert await looks.keys.authenticate(office.keys["partner"]) == office.partner


async def _asking(looks: Looks, *keys: str) -> list[asyncio.Task[Viewer]]:
    """Those who have asked, all at once, what each of the keys stands for."""
    tasks = [asyncio.create_task(looks.keys.authenticate(key)) for key in keys]
    await asyncio.sleep(0)
    return tasks


async def _looking(office: Office, looks: Looks) -> asyncio.Task[Viewer]:
    """Somebody who has asked for staff's key, for whom the database has been read."""
    (task,) = await _asking(looks, office.keys["staff"])
    await until(lambda: looks.read == 1)
    return task


async def _answers(*asking: asyncio.Task[Viewer]) -> list[Viewer | BaseException]:
    """What each is told, or how it is refused."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*asking, return_exceptions=True)

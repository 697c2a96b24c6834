"""What a session is told while it cannot listen: one notice is kept, and the end of it wins."""

import asyncio
from datetime import UTC, datetime, timedelta

from gql_app.web.close_codes import CloseCode
from gql_app.web.sessions import Ended, Expiring, Notices
from tests.serving import PATIENCE

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SOON = Expiring(NOW)
EXPIRED = Ended(CloseCode.FORBIDDEN, "Key expired")
RESTARTS = Ended(CloseCode.RESTARTING, "Server restarts")


async def taken(notices: Notices) -> Expiring | Ended:
    async with asyncio.timeout(PATIENCE):
        return await notices.take()


async def test_a_notice_reaches_one_who_waits_for_it() -> None:
    notices = Notices()
    waiting = asyncio.create_task(taken(notices))
    await asyncio.sleep(0)
    notices.give(SOON)
    assert await waiting == SOON
    notices.give(EXPIRED)
    assert await taken(notices) == EXPIRED


async def test_a_session_that_takes_nothing_holds_one_notice_however_many_come() -> None:
    notices = Notices()
    for number in range(1_000):
        notices.give(Expiring(NOW + timedelta(seconds=number)))
    assert await taken(notices) == Expiring(NOW + timedelta(seconds=999))
    again = asyncio.create_task(notices.take())
    await asyncio.sleep(0)
    assert not again.done(), "a notice that was overtaken is told"
    again.cancel()


async def test_the_end_of_a_session_is_told_in_place_of_a_warning_and_the_first_end_stays() -> None:
    notices = Notices()
    for notice in (SOON, EXPIRED, RESTARTS, SOON):
        notices.give(notice)
    assert [await taken(notices) for _ in range(2)] == [EXPIRED] * 2

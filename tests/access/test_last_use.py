"""When a key was last used is written down, now and then."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import SESSION, KeyLookup, Unauthenticated
from gql_app.access.last_use import FRESH_SECONDS, LastUse
from gql_app.web.sessions import Sessions
from gql_app.work.reads.keys import keys_of
from models.limits import Busy
from models.roles import Role
from tests.office import Office, make_office
from tests.support.access import sign_in


async def used(office: Office) -> dict[str, float | None]:
    """How long ago each key was used last, in seconds, by its role."""
    now = office.clock()
    return {
        key.role: None if (at := key.last_used_at) is None else (now - at).total_seconds()
        for key in await keys_of(office.practice.id)
    }


async def test_a_use_is_written_once_a_minute_and_a_sessions_is_its_keys(office: Office) -> None:
    other = await make_office("oak")
    passed = [0.0]
    uses = LastUse(office.changes.make_for, lambda: passed[0])
    keys = KeyLookup(office.clock, uses.note)
    session = await sign_in(office.keys["supervisor"], office.clock)
    await keys.authenticate(office.keys["staff"])
    await keys.authenticate(session.token, SESSION)
    with pytest.raises(Unauthenticated):
        await keys.authenticate("cb_1_unknown")
    await uses.write()
    assert await used(office) == {"STAFF": 0, "SUPERVISOR": 0, "ADMIN": None, "PARTNER": None}
    assert set((await used(other)).values()) == {None}

    office.clock.advance(seconds=30)
    await keys.authenticate(office.keys["staff"])
    await uses.write()
    assert (await used(office))["STAFF"] == 30

    passed[0] += FRESH_SECONDS
    await uses.write()
    await keys.authenticate(office.keys["staff"])
    await uses.write()
    assert await used(office) == {"STAFF": 0, "SUPERVISOR": 30, "ADMIN": None, "PARTNER": None}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_is_in_use_while_a_connection_lasts(office: Office) -> None:
    uses = LastUse(office.changes.make_for, lambda: 0.0)
    sessions = Sessions(office.clock, uses.note)
    changed = replace(office.staff, role=Role.SUPERVISOR)
    with (
        sessions.admit(office.partner, lambda _: None),
        sessions.admit(changed, lambda _: None),
    ):
        await sessions._check()
    await uses.write()
    office.clock.now += timedelta(seconds=1)
    assert await used(office) == {"STAFF": None, "SUPERVISOR": None, "ADMIN": None, "PARTNER": 1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_practice_that_is_held_up_does_not_hold_up_the_others(office: Office) -> None:
    oak = await make_office("oak")

    async def make_for(practice_id: int, *change: Any) -> object:
        if practice_id == office.practice.id:
            raise Busy("its other changes were not done in time")
        return await office.changes.make_for(practice_id, *change)

    uses = LastUse(make_for, lambda: 0.0)
    uses.note(office.staff)
    uses.note(oak.staff)
    await uses.write()
    assert set((await used(office)).values()) == {None}
    assert (await used(oak))["STAFF"] is not None

"""The last admin keeps a way to sign in."""

import asyncio

import pytest

from gql_app.access import Viewer
from gql_app.work.accounts import remove_passkey, set_provider
from models.passkey import Passkey
from models.people import Staff
from models.refusals import Refusal
from models.roles import Role
from tests.office import Office
from tests.work.test_staff import join, without_key

ISSUER = ("https://accounts.example", "callboard")


async def without(office: Office, viewer: Viewer) -> list[str]:
    """Take the viewer's only passkey away. Why that is refused, if it is."""
    row = await Passkey.get(staff_id=viewer.staff_id)
    refusals: tuple[Refusal, ...] = await office.changes.make(
        viewer, remove_passkey, viewer, row.id
    )
    return [refusal.code for refusal in refusals]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_last_passkey_of_the_last_admin_stays(office: Office) -> None:
    ada = await join(office, "Ada", Role.ADMIN)
    await without_key(office)
    assert await without(office, ada) == ["LAST_ADMIN"]
    assert await without(office, await join(office)) == []
    await join(office, "Bea", Role.ADMIN)
    assert await without(office, ada) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_admins_cannot_both_remove_their_last_passkeys(office: Office) -> None:
    ada, bea = [await join(office, name, Role.ADMIN) for name in ("Ada", "Bea")]
    await without_key(office)
    told = await asyncio.gather(without(office, ada), without(office, bea))
    assert sorted(told) == [[], ["LAST_ADMIN"]]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_provider_stays_that_the_last_admin_signs_in_by(office: Office) -> None:
    here, make = office.practice.id, office.changes.make_for
    assert await make(here, set_provider, *ISSUER) == ()
    ada = await join(office, "Ada", Role.ADMIN)
    await Staff.filter(id=ada.staff_id).update(subject="ada-1")
    assert await without(office, ada) == []
    await without_key(office)
    refusals = await make(here, set_provider, "", "")
    assert [refusal.code for refusal in refusals] == ["LAST_ADMIN"]
    assert await make(here, set_provider, ISSUER[0], "another client") == ()
    assert (await Staff.get(id=ada.staff_id)).subject == "ada-1"
    await join(office, "Bea", Role.ADMIN)
    assert await make(here, set_provider, "", "") == ()

"""Keys: shown once, stored hashed, valid until they expire or are revoked."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import Forbidden, Unauthenticated, authenticate, bearer
from gql_app.access.keys import NotThere, practice_called, queues_called
from gql_app.access.tokens import checksum
from gql_app.clock import machine_time
from gql_app.work.keys import NOT_FOUND
from gql_app.work.keys import revoke_key as revoke
from gql_app.work.reads.keys import keys_of
from models.access import AccessKey
from models.people import Staff
from models.roles import Role
from tests.office import Office, make_office
from tests.support.access import changes, create_key, revoke_key

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def is_valid(key: str) -> bool:
    try:
        await authenticate(key)
    except Unauthenticated:
        return False
    return True


async def test_a_key_stands_for_its_practice_role_and_person(office: Office) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    key = await create_key(
        office.practice,
        Role.PARTNER,
        "Insurer",
        queue_ids=[office.missed.id],
        may_create_tasks=True,
        expires_at=expires_at,
    )
    viewer = await authenticate(key)
    row, staff = await AccessKey.get(id=viewer.key_id), await Staff.get(name="Insurer")
    assert asdict(viewer) == {
        "key_id": row.id,
        "practice_id": office.practice.id,
        "time_zone": "America/Chicago",
        "region": "US",
        "role": Role.PARTNER,
        "staff_id": staff.id,
        "name": "Insurer",
        "queue_ids": frozenset({office.missed.id}),
        "may_create_tasks": True,
        "expires_at": expires_at,
        "home": None,
    }
    assert not viewer.may_read_notes
    assert not viewer.may_log_contacts
    assert viewer.sees_queue(office.missed.id)
    assert not viewer.sees_queue(office.recall.id)


async def test_only_the_hash_of_a_key_is_in_the_database(office: Office) -> None:
    key = office.keys["staff"]
    secret = key.split("_", 3)[3]
    assert len(secret) >= 43, "256 bits"
    for row in await AccessKey.all().values():
        assert secret not in str(row)
        assert len(row["digest"]) == 64
    assert len({row.digest for row in await AccessKey.all()}) == len(Role)


@sqlite_only
async def test_two_keys_of_one_person_differ(office: Office) -> None:
    keys = [await create_key(office.practice, Role.STAFF, "Kim") for _ in range(2)]
    assert keys[0] != keys[1]
    viewers = [await authenticate(key) for key in keys]
    assert viewers[0].staff_id == viewers[1].staff_id
    assert viewers[0].key_id != viewers[1].key_id


async def test_a_key_is_valid_until_it_expires(office: Office) -> None:
    now = datetime.now(UTC)
    for expires_at, valid in ((now + timedelta(minutes=1), True), (now, False)):
        key = await create_key(office.practice, Role.STAFF, "Temp", expires_at=expires_at)
        assert await is_valid(key) is valid


async def test_a_key_is_valid_until_it_is_revoked(office: Office) -> None:
    assert await is_valid(office.keys["staff"])
    await revoke_key(office.practice, office.staff.key_id)
    assert not await is_valid(office.keys["staff"])
    assert await is_valid(office.keys["supervisor"])


async def test_a_practice_can_only_revoke_its_own_keys(office: Office) -> None:
    other = await make_office("birch")
    for key_id in (other.staff.key_id, 999_999):
        result = await changes().make_for(office.practice.id, revoke, key_id)
        assert result.refusals == (NOT_FOUND,)
    assert await is_valid(other.keys["staff"])


async def test_a_key_does_not_open_another_practice(office: Office) -> None:
    other = await make_office("birch")
    secret = office.keys["staff"].split("_", 3)[3][:-6]
    elsewhere = f"callboard_key_{other.practice.id}_{secret}"
    assert not await is_valid(elsewhere + checksum(elsewhere))
    assert not await is_valid(f"cb_{other.practice.id}_{secret}")


async def test_no_other_text_is_a_key(office: Office) -> None:
    key = office.keys["staff"]
    here = office.practice.id
    for text in (
        "",
        "cb",
        "cb__",
        f"cb_{here}_",
        key[:-1],
        key + "x",
        key.upper(),
        key.replace("callboard", "xx"),
        f"cb_{'9' * 30}_x",
        "cb_-1_x",
        "cb_²_x",
        f"cb_{here}_\0",
        f"cb_{here}_' OR 1=1 --",
        key + "x" * 10_000,
    ):
        assert not await is_valid(text), text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_key_is_what_follows_bearer(scheme: str) -> None:
    assert bearer(f"{scheme}  KEY ") == "KEY"


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer  ", "KEY", "Basic KEY", 1, ["x"]])
def test_any_other_authorization_is_refused(value: object) -> None:
    with pytest.raises(Unauthenticated):
        bearer(value)


@sqlite_only
async def test_keys_are_listed_with_their_state_and_without_their_secrets(office: Office) -> None:
    await create_key(office.practice, Role.STAFF, "Old", expires_at=datetime.now(UTC))
    await revoke_key(office.practice, office.partner.key_id)
    await make_office("birch")
    keys = await keys_of(office.practice.id)
    assert [(key.role, key.name, key.state(machine_time())) for key in keys] == [
        ("STAFF", "Staff of maple", "VALID"),
        ("SUPERVISOR", "Supervisor of maple", "VALID"),
        ("ADMIN", "Admin of maple", "VALID"),
        ("PARTNER", "Partner of maple", "REVOKED"),
        ("STAFF", "Old", "EXPIRED"),
    ]
    assert keys[0].id == office.staff.key_id


@sqlite_only
async def test_practices_and_queues_are_found_by_their_names(office: Office) -> None:
    assert (await practice_called("maple")).id == office.practice.id
    found = await queues_called(office.practice, ["missed APPOINTMENTS", "Overdue recall"])
    assert found == [office.missed.id, office.recall.id]
    with pytest.raises(NotThere, match="elm"):
        await practice_called("elm")
    with pytest.raises(NotThere, match="Recalls"):
        await queues_called(office.practice, ["Overdue recall", "Recalls"])


@sqlite_only
async def test_what_a_viewer_may_not_do_is_forbidden_in_words(office: Office) -> None:
    office.staff.require(True, "log contacts")
    with pytest.raises(Forbidden, match=r"This key may not log contacts\."):
        office.partner.require(office.partner.may_log_contacts, "log contacts")

"""Keys and sessions, made as the command line and the dashboard make them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from benchmarks.keys import create_key
from gql_app.access import Viewer, authenticate, signin
from gql_app.access.signin import SignedIn
from gql_app.clock import machine_time
from gql_app.work.changes import Changes
from gql_app.work.inviting import NewStaff, invite_staff
from gql_app.work.keys import revoke_key as revoke
from gql_app.work.ringing import ring_nobody
from gql_app.work.staff import end_rights
from models.people import Staff
from models.practice import Practice
from models.roles import Role

__all__ = [
    "create_key",
    "create_link",
    "forget_ended",
    "invite",
    "retire",
    "revoke_key",
    "sign_in",
    "sign_in_by_link",
    "sign_out",
]

Clock = Callable[[], datetime]


def changes(clock: Clock = machine_time) -> Changes:
    return Changes(ring_nobody, clock)


async def revoke_key(practice: Practice, key_id: int) -> None:
    assert not (await changes().make_for(practice.id, revoke, key_id)).refusals


async def invite(
    runner: Changes, practice: Practice, name: str = "Kim", role: Role = Role.STAFF, **how: Any
) -> str:
    """Invite somebody. Returns the invitation."""
    result = await runner.make_for(
        practice.id, invite_staff, NewStaff(name, role, **how), again=True
    )
    assert result.invitation is not None, result.refusals
    return result.invitation.token


async def retire(runner: Changes, practice: Practice, name: str = "Kim") -> None:
    staff = await Staff.get(practice_id=practice.id, name=name)
    assert not (await runner.make_for(practice.id, end_rights, staff.id)).refusals


async def sign_in(key: str, clock: Clock = machine_time) -> SignedIn:
    viewer = await authenticate(key, clock=clock)
    return await changes(clock).make(viewer, signin.begin_session, viewer.key_id)


async def create_link(key: str, clock: Clock = machine_time) -> str:
    viewer = await authenticate(key, clock=clock)
    return await changes(clock).make(viewer, signin.create_link, viewer.key_id)


async def sign_in_by_link(link: str, clock: Clock = machine_time) -> SignedIn:
    practice_id = await signin.practice_of_link(link, clock())
    return await changes(clock).make_for(practice_id, signin.begin_session_by_link, link)


async def sign_out(viewer: Viewer) -> None:
    await changes().make(viewer, signin.end_session, viewer)


async def forget_ended(now: datetime) -> None:
    for practice_id in await signin.with_ended_sessions(now):
        await changes().make_for(practice_id, signin.forget_ended_sessions, now)

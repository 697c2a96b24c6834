"""Passkeys: kept for somebody who is invited or signed in, and signed in with. They are removed by
work/accounts.py."""

from datetime import datetime
from typing import NamedTuple

from gql_app.access.ceremonies import (
    NOT_ACCEPTED,
    SIGN_IN,
    NewPasskey,
    Page,
    Response,
    checked_answer,
    claimed,
)
from gql_app.access.challenges import Challenges
from gql_app.access.people import Person, accept, person_of
from gql_app.access.signin import SignedIn, begin_session
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated
from models.audit import AuditAction
from models.database import fetch, fetch_first, write
from models.passkey import PASSKEY_COLUMNS, Passkey, PasskeyRow

MAX_PASSKEYS = 20
"""How many one person may have."""


class CannotAdd(Exception):
    """The passkey cannot be kept, for a reason that the person can do something about."""


class Answer(NamedTuple):
    """A passkey's answer that was checked: by which passkey, to a challenge made when."""

    practice_id: int
    passkey: PasskeyRow
    sign_count: int
    challenged_at: datetime


async def accept_with_passkey(
    change: ChangeOfPractice, token: str, new: NewPasskey, device: str | None
) -> SignedIn:
    """Use an invitation up, keep the person's passkey, and begin a session. Raises
    `Unauthenticated` and `CannotAdd`."""
    person = await accept(change, token)
    await _keep(change, person.staff_id, new)
    return await begin_session(change, person.key_id, device)


async def add_passkey(change: ChangeOfPractice, person: Person, new: NewPasskey) -> None:
    """Keep one more passkey of a person. Raises `CannotAdd`."""
    await _keep(change, person.staff_id, new)


async def find_answer(challenges: Challenges, page: Page, response: Response) -> Answer:
    """Who answers a challenge, if the answer is right. Raises `Unauthenticated`."""
    said = claimed(response)
    made_at = await challenges.made_at(said.challenge, SIGN_IN)
    sql = f"""SELECT {PASSKEY_COLUMNS} FROM passkey k
    WHERE k.practice_id = $1 AND k.credential_id = $2"""
    passkey = await fetch_first(PasskeyRow, sql, said.practice_id, said.credential_id)
    if passkey is None:
        raise Unauthenticated(NOT_ACCEPTED, "passkey")
    count = await checked_answer(response, said.challenge, page, passkey)
    return Answer(said.practice_id, passkey, count, made_at)


async def begin_session_by_passkey(
    change: ChangeOfPractice, answer: Answer, device: str | None
) -> SignedIn:
    """Begin a session for an answer, which is taken once. Raises `Unauthenticated`."""
    taken = await write(
        "UPDATE passkey SET last_used_at = $3, challenged_at = $4, sign_count = $5"
        " WHERE practice_id = $1 AND id = $2 AND (challenged_at IS NULL OR challenged_at < $4)"
        " AND (sign_count < $5 OR $5 = 0) RETURNING id",
        *(change.practice_id, answer.passkey.id),
        *(change.now, answer.challenged_at, answer.sign_count),
    )
    person = await person_of(change.practice_id, answer.passkey.staff_id)
    if not taken or person is None:
        raise Unauthenticated(NOT_ACCEPTED, "passkey")
    return await begin_session(change, person.key_id, device)


async def passkeys_of(practice_id: int, staff_id: int) -> list[PasskeyRow]:
    """A person's passkeys, the oldest first."""
    sql = f"""SELECT {PASSKEY_COLUMNS} FROM passkey k
    WHERE k.practice_id = $1 AND k.staff_id = $2 ORDER BY k.id"""
    return await fetch(PasskeyRow, sql, practice_id, staff_id)


async def _keep(change: ChangeOfPractice, staff_id: int, new: NewPasskey) -> None:
    if len(await passkeys_of(change.practice_id, staff_id)) >= MAX_PASSKEYS:
        raise CannotAdd(f"You have {MAX_PASSKEYS} passkeys. Remove one first.")
    known = Passkey.filter(practice_id=change.practice_id, credential_id=new.credential_id)
    if await known.exists():
        raise CannotAdd("This passkey is known already.")
    made = await Passkey.create(
        practice_id=change.practice_id, staff_id=staff_id, created_at=change.now, **new._asdict()
    )
    change.note(AuditAction.KEY, f"passkey {made.id} made", staff_id=staff_id)

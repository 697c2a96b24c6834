"""What staff and keys have in common: who may change them, how names and queues are checked, and
that somebody is left who may."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.results import missing
from models.checks import BadValue, checked_name
from models.database import Id, among, fetch, for_update
from models.refusals import Refusal, RefusalCode
from models.roles import Action, who_may
from models.task import one_of
from models.text import trimmed

LAST_ADMIN = Refusal(
    RefusalCode.LAST_ADMIN,
    "Nobody would be left who sees to people and keys: make somebody else an admin first.",
)


class Admin(NamedTuple):
    """A key, or what a person may do, that sees to people and keys."""

    id: int
    staff_id: int


# A person counts who can sign in by themselves. A key that has an end does not last.
_ADMINS = f"""
SELECT k.id, k.staff_id FROM access_key k
WHERE k.practice_id = $1 AND {one_of("k.role", who_may(Action.MANAGE_ACCESS))}
  AND k.queue_ids IS NULL AND k.revoked_at IS NULL AND (
    k.kind = 'KEY' AND k.expires_at IS NULL
    OR k.kind = 'PERSON' AND (
        EXISTS (SELECT 1 FROM passkey y
            WHERE y.practice_id = k.practice_id AND y.staff_id = k.staff_id)
        OR EXISTS (SELECT 1 FROM staff s
            WHERE s.practice_id = k.practice_id AND s.id = k.staff_id AND s.subject IS NOT NULL)))
ORDER BY k.id
"""


def require_access_admin(change: Change) -> None:
    """Raise `Forbidden` if a viewer makes the change who may not see to people and keys. Operators
    may: they have the database itself."""
    if change.by is not None:
        change.by.require(change.by.may_manage_access, "see to people and keys")


async def lock_admins(change: Change) -> list[Admin]:
    """Whoever sees to people and keys, locked: two admins must not end each other at the same
    moment. These rows are locked before any other."""
    await fetch(Admin, f"{_ADMINS} {for_update()}", change.practice_id)
    # Read again: while this waited for a row, its person's last passkey may have gone.
    return await fetch(Admin, _ADMINS, change.practice_id)


def refuse_last_admin(admins: Sequence[Admin], ended: Collection[int]) -> tuple[Refusal, ...]:
    """The refusal if a change ends all of `admins`, which are locked: the numbers of the rows that
    it ends are among `ended`."""
    return (LAST_ADMIN,) if admins and all(admin.id in ended for admin in admins) else ()


async def check_queues(change: Change, queue_ids: Iterable[int] | None) -> Refusal | None:
    """Why a key or a person cannot be limited to these queues; None if they can, or to no limit."""
    if queue_ids is None:
        return None
    wanted = set(queue_ids)
    if not wanted:
        message = "Name a queue, or let them see all of them."
        return Refusal(RefusalCode.QUEUES_REQUIRED, message, "queueIds")
    sql = f"""SELECT q.id FROM queue q
    WHERE q.practice_id = $1 AND q.archived_at IS NULL AND {among("q.id", 2)}"""
    found = await fetch(Id, sql, change.practice_id, sorted(wanted))
    return None if len(found) == len(wanted) else missing("queue", "queueIds")


async def is_guest(change: Change, name: str) -> bool:
    """Whether a guest is called so, or was: nobody else gets what they have done to their name."""
    sql = """SELECT k.id FROM access_key k
    JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
    WHERE k.practice_id = $1 AND k.kind = 'GUEST' AND s.name = $2 LIMIT 1"""
    return bool(await fetch(Id, sql, change.practice_id, trimmed(name)))


def check_name(name: str) -> Refusal | None:
    """Why a name cannot be used, None if it can."""
    try:
        checked_name("The name", name)
    except BadValue as bad:
        return Refusal(bad.code, f"{bad}.", "name")
    return None

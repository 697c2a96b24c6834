"""Who may supervise a group of practices, and the end of that at their home."""

from gql_app.work.changes import Change
from models.audit import AuditAction
from models.database import write
from models.roles import Action, Role, may


def may_supervise(role: Role, queue_ids: list[int] | None) -> bool:
    """Whether a person of this role and these queues may supervise a group: what they are elsewhere
    must not be more than what they are at home."""
    return may(role, Action.SUPERVISE_GROUP) and queue_ids is None


async def end_supervision(change: Change, staff_id: int) -> None:
    """A person supervises the group no more, if they did: their visits end with this change. What
    they were elsewhere is put away by guests.py."""
    await _end(change, "staff_id = $2", staff_id)


async def end_all_supervision(change: Change) -> None:
    """The same of all whose home the practice is."""
    await _end(change, "TRUE")


async def _end(change: Change, which: str, *values: object) -> None:
    sql = f"DELETE FROM group_supervisor WHERE practice_id = $1 AND {which} RETURNING staff_id"
    for row in await write(sql, change.practice_id, *values):
        change.note(AuditAction.KEY, f"staff {row['staff_id']} supervises the group no more")

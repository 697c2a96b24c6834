"""What a queue gives to its tasks: the follow-up ladder, and how long automatic ones live."""

from gql_app.work.changes import Change
from models.audit import AuditAction
from models.follow_up import read_ladder
from models.practice import Queue

LONGEST_LIFE = 3_650
"""Days."""


async def set_queue(
    change: Change, queue_id: int, *, ladder: str | None, automatic_life: str | None
) -> None:
    """Change the settings that are given; "" removes one. Existing tasks keep their expiry. Raises
    `ValueError` with a message, and changes nothing."""
    changes: dict[str, object] = {}
    if ladder is not None:
        steps = read_ladder(ladder) if ladder else ()
        changes["follow_up_ladder"] = ",".join(map(str, steps)) or None
    if automatic_life is not None:
        changes["automatic_life_days"] = _days(automatic_life) if automatic_life else None
    if changes:
        await Queue.filter(practice_id=change.practice_id, id=queue_id).update(**changes)
        change.note(AuditAction.SETTING, f"queue {queue_id}: {', '.join(changes)}")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_LIFE):
        raise ValueError(f"A life is a number of days from 1 to {LONGEST_LIFE:,}, not {text!r}.")
    return int(text)

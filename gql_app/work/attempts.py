"""How often a patient was called for a task, and whether that is as often as its queue allows.

An attempt is a call of ours: a contact that was undone is none, and neither is a call of theirs.
"""

from typing import NamedTuple

from models.contact import stands
from models.database import fetch
from models.task import TaskRow


class Attempts(NamedTuple):
    """How many there were, how many there may be (None: any number), and what is to be done then:
    to close the task, or else to have a supervisor look at it."""

    made: int
    most: int | None
    closes: bool

    def are_used_up(self, more: int) -> bool:
        """Whether none is left after so many `more`."""
        return self.most is not None and self.made + more >= self.most


async def attempts_on(task: TaskRow) -> Attempts:
    """The attempts on a locked task. They are counted only where their number matters."""
    sql = f"""SELECT
        CASE WHEN q.max_attempts IS NULL THEN 0 ELSE (
            SELECT COUNT(*) FROM contact c
            WHERE c.practice_id = $1 AND c.task_id = $3 AND NOT c.is_incoming AND {stands("c")}
        ) END,
        q.max_attempts, q.closes_at_max_attempts
    FROM queue q WHERE q.practice_id = $1 AND q.id = $2"""
    return (await fetch(Attempts, sql, task.practice_id, task.queue_id, task.id))[0]

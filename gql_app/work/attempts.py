"""How often a patient was called for a task, and what is to be done when that is as often as its
queue allows.

An attempt is a call of ours: a contact that was undone is none, and neither is a call of theirs.
"""

from enum import StrEnum

from models.contact import stands


class AttemptsEnd(StrEnum):
    """What comes of the last attempt."""

    REVIEW = "REVIEW"  # a supervisor is to look at the task
    CLOSE = "CLOSE"  # the task closes


def end_of_attempts(more: str) -> str:
    """SQL for what comes of the last attempt, null as long as there are others. It stands where a
    `task` is updated whose last contact is new, and itself `more` attempts: 1, or 0. So it needs no
    statement of its own, and counts only where a queue has a number."""
    return f"""(SELECT CASE WHEN q.closes_at_max_attempts
            THEN '{AttemptsEnd.CLOSE}' ELSE '{AttemptsEnd.REVIEW}' END
        FROM queue q
        WHERE q.practice_id = task.practice_id AND q.id = task.queue_id
          AND q.max_attempts IS NOT NULL AND q.max_attempts <= {more} + (
            SELECT COUNT(*) FROM contact c
            WHERE c.practice_id = task.practice_id AND c.task_id = task.id
              AND c.id <> task.last_contact_id AND NOT c.is_incoming AND {stands("c")}))"""

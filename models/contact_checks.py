"""What a contact must have, beside its follow-up date: when it was made, and its notes."""

from datetime import datetime, timedelta

from models.refusals import Refusal, RefusalCode

MAX_NOTES = 10_000
"""Longest notes of a contact, in characters."""

MAX_LATE = timedelta(days=7)
"""How long after a call it may still be logged."""


def check_contacted_at(contacted_at: datetime, now: datetime) -> Refusal | None:
    """Return why a contact cannot have been made at `contacted_at`, None if it can."""
    if contacted_at > now:
        code = RefusalCode.CONTACTED_IN_FUTURE
        return Refusal(code, "The contact cannot have been made later than now.", "contactedAt")
    if now - contacted_at > MAX_LATE:
        code = RefusalCode.CONTACTED_TOO_LONG_AGO
        message = f"A contact can be logged for {MAX_LATE.days} days after it was made."
        return Refusal(code, message, "contactedAt")
    return None


def check_notes(notes: str | None, *, is_required: bool) -> Refusal | None:
    """Return what is wrong with the notes of a contact, None if they can be kept."""
    if notes is not None and len(notes) > MAX_NOTES:
        return Refusal(
            RefusalCode.NOTES_TOO_LONG,
            f"The notes have {len(notes):,} characters; at most {MAX_NOTES:,} are kept.",
            "notes",
        )
    if is_required and not (notes and notes.strip()):
        return Refusal(
            RefusalCode.NOTES_REQUIRED,
            "Say in the notes why the patient did not schedule.",
            "notes",
        )
    return None

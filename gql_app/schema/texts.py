"""The check of texts that come as arguments."""

from gql_app.work.reads.conditions import BadInput, storable
from models.idempotency import MAX_IDEMPOTENCY_KEY
from models.queue_checks import MAX_KIND
from models.text import trimmed


def checked_text(text: str, name: str, most: int) -> str:
    """Return the text if it has 1 to `most` characters, all of which can be kept. Raises `BadInput`
    with the argument's `name`."""
    if not 0 < len(text) <= most:
        raise BadInput(f"{name} has 1 to {most} characters.")
    storable(text)
    return text


def checked_key(key: str | None) -> str | None:
    """Return the idempotency key, if one was sent. Raises `BadInput`."""
    return None if key is None else checked_text(key, "idempotencyKey", MAX_IDEMPOTENCY_KEY)


def checked_kind(kind: str | None, name: str) -> str | None:
    """Return the kind of an appointment without what cannot be seen around it, None if that is
    nothing. Raises `BadInput` with the argument's `name`."""
    kind = trimmed(kind or "")
    return checked_text(kind, name, MAX_KIND) if kind else None

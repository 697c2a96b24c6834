"""What a text must be that comes as an argument."""

from gql_app.work.reads.conditions import BadInput, storable

MAX_IDEMPOTENCY_KEY = 200


def checked_text(text: str, name: str, most: int) -> str:
    """`text` if it has 1 to `most` characters that can be kept. Raises `BadInput`, which calls it
    by its `name`."""
    if not 0 < len(text) <= most:
        raise BadInput(f"{name} has 1 to {most} characters.")
    storable(text)
    return text


def checked_key(key: str | None) -> str | None:
    """An idempotency key, if there is one. Raises `BadInput`."""
    return None if key is None else checked_text(key, "idempotencyKey", MAX_IDEMPOTENCY_KEY)

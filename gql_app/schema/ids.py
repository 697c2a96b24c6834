"""Relay's global ids: the type's name and the row's number, opaque to clients."""

from binascii import b2a_base64
from collections.abc import Callable, Iterable
from typing import Annotated

import strawberry
from strawberry.relay.utils import from_base64

from gql_app.work.reads.conditions import BadInput

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]


def global_id(type_name: str, row_id: int) -> strawberry.ID:
    """The id of row `row_id` of a type."""
    return id_of(type_name)(row_id)


def id_of(type_name: str) -> Callable[[int], strawberry.ID]:
    """Make the function that gives the ids of a type's rows. Lists call it for each row."""
    begin = f"{type_name}:%d".encode()
    return lambda row_id: b2a_base64(begin % row_id, newline=False).decode()  # type: ignore[return-value]


def read_id(value: str) -> tuple[str, int]:
    """The type's name and the row's number in a global id. A number that is too large for any row
    is read as 0, which no row has: so it is not found, like any other that is not there.

    Raises `BadInput` if `value` is not a global id at all.
    """
    try:
        type_name, row_id = from_base64(value)
    except ValueError:
        raise BadInput("The id is not one that this server gave.") from None
    if not (row_id.isascii() and row_id.isdigit()):
        raise BadInput("The id is not one that this server gave.")
    return type_name, int(row_id) if len(row_id) < 19 else 0


def read_id_of(type_name: str, value: str) -> int:
    """The row's number in the global id of a `type_name`. Raises `BadInput`."""
    found, row_id = read_id(value)
    if found != type_name:
        raise BadInput(f"The id is not that of a {type_name}.")
    return row_id


def read_ids_of(type_name: str, values: Iterable[str] | None) -> list[int] | None:
    """The rows' numbers in a list of global ids, if there is one. Raises `BadInput`."""
    return None if values is None else [read_id_of(type_name, value) for value in values]

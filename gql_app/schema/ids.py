"""Relay's global ids: the type's name and the row's number, which clients cannot read.

Ids of the older form, from which they could, are still read.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Annotated

import strawberry
from strawberry.relay.utils import from_base64

from gql_app import opaque
from gql_app.logs import SECURITY
from gql_app.work.reads.conditions import BadInput

security = logging.getLogger(SECURITY)

TYPES = (
    "Appointment",
    "Contact",
    "ImportJob",
    "Key",
    "Passkey",
    "Patient",
    "PatientMerge",
    "Practice",
    "Queue",
    "Session",
    "Staff",
    "Task",
)
"""The types that have a global id."""

MAX_ROW = 10**18

_TYPES = opaque.Kinds(TYPES)
_WRITERS = {name: opaque.numbers(name) for name in TYPES}

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]


def global_id(type_name: str, row_id: int) -> strawberry.ID:
    """The id of row `row_id` of a type."""
    return id_of(type_name)(row_id)


def id_of(type_name: str) -> Callable[[int], strawberry.ID]:
    """Make the function that gives the ids of a type's rows. Lists call it for each row."""
    return _WRITERS[type_name]  # type: ignore[return-value]  # an ID is a text


def read_id(value: str) -> tuple[str, int]:
    """The type's name and the row's number in a global id. A number that is too large for any row
    is read as 0, which no row has: so it is not found, like any other that is not there.

    Raises `BadInput` if `value` is not a global id at all.
    """
    if (found := _TYPES.read(value)) is not None:
        type_name, row_id = found
        return type_name, row_id if row_id < MAX_ROW else 0
    return _read_older(value)


def _read_older(value: str) -> tuple[str, int]:
    """An id such as the base64 of Task:7."""
    try:
        type_name, number = from_base64(value)
        if number.isascii() and number.isdigit():
            return type_name, int(number) if len(number) < 19 else 0
    except ValueError:
        pass
    security.info("id_refused")
    raise BadInput("The id is not one that this server gave.")


def read_id_of(type_name: str, value: str) -> int:
    """The row's number in the global id of a `type_name`. Raises `BadInput`."""
    found, row_id = read_id(value)
    if found != type_name:
        raise BadInput(f"The id is not that of a {type_name}.")
    return row_id


def read_ids_of(type_name: str, values: Iterable[str] | None) -> list[int] | None:
    """The rows' numbers in a list of global ids, if there is one. Raises `BadInput`."""
    return None if values is None else [read_id_of(type_name, value) for value in values]

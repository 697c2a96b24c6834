"""What a client asks to have carried out, however it was sent."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A document, the values of its variables, and which of its operations to run: with no name,
    the only one."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None

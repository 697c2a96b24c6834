"""Items: what the source of a subscription yields, and the results that they lead to.

A source yields objects with a `row`, which is what the client is shown. Whatever else an item says,
such as where it stands in the stream, is for those who send it: they get it beside the result.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from strawberry.types import ExecutionResult


class Item(Protocol):
    """What a source yields."""

    @property
    def row(self) -> Any: ...


@dataclass(kw_only=True)
class ItemResult(ExecutionResult):
    """The result of executing a subscription for one `item`. `again` executes it once more.

    Strawberry turns the results of graphql-core into its own kind. This is its own kind already, so
    it is handed on as it is, and the item with it.
    """

    item: Any
    again: Callable[[], Awaitable["ItemResult"]]

"""What the sources of subscriptions yield, and where they begin."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from gql_app.schema.context import SharedContext
from models.chain import Position

Row = TypeVar("Row")


class AsOf(NamedTuple):
    """What a row depends on besides the events up to its position: the practice's `day`, and the
    number of changes of its `settings`."""

    day: date
    settings: int


class Item(NamedTuple, Generic[Row]):
    """A row to show, and what those who send it have to know of it.

    It is true at the event at `position`, if it stands in the practice's history, and `as_of` a day
    and settings if it depends on them. `of_the_clock` says that the time or a change of settings
    brought it and not an event; with `more`, others were read together with it and follow at once.
    """

    row: Row
    position: Position | None
    as_of: AsOf | None = None
    of_the_clock: bool = False
    more: bool = False


Items = AsyncGenerator[Item[Row], None]


class Start(NamedTuple):
    """Where a stream begins, if the request's own arguments do not say it: the root value of a
    subscription.

    It begins after the event at `position`, or at a `cursor` that came in a transport's own place,
    which is checked like the argument. With `state_only` it ends once it has told how things stand
    there.
    """

    position: Position | None = None
    cursor: str | None = None
    state_only: bool = False


async def loaded_afresh(context: SharedContext, items: Items[Row]) -> Items[Row]:
    """Yield the items. What was loaded for earlier items is forgotten first, unless both were read
    together: what was loaded since then is as new as either."""
    are_together = False
    async with aclosing(items):
        async for item in items:
            if not are_together:
                context.load_afresh()
            are_together = item.more
            yield item

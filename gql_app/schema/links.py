"""Fields that show another row by its key in this one."""

from collections.abc import Collection, Hashable, Mapping
from operator import attrgetter
from typing import Any

import strawberry

from gql_app.execution.runs import LINK, Link
from gql_app.schema.columns import reads
from gql_app.schema.context import SharedInfo


def linked(
    loader: str, by: str | tuple[str, ...], graphql_type: object, description: str | None = None
) -> Any:
    """Make a field of `graphql_type` that shows another row, which the operation's `loader` loads.
    The row is found by the parent's attribute `by`, or by several attributes together. The field
    is null if the first of them is None, or if the viewer's key does not allow the row."""
    names = (by,) if isinstance(by, str) else by
    key, first, rows = attrgetter(*names), attrgetter(names[0]), attrgetter(f"loaders.{loader}")

    async def resolve(parent: strawberry.Parent[Any], info: SharedInfo) -> Any:
        return None if first(parent) is None else await rows(info.context).load(key(parent))

    def known(context: Any) -> Mapping[Hashable, Any]:
        found: Mapping[Hashable, Any] = rows(context).known
        return found

    async def load(context: Any, keys: Collection[Hashable]) -> Mapping[Hashable, Any]:
        found: Mapping[Hashable, Any] = await rows(context).load_many(keys)
        return found

    return strawberry.field(
        resolver=resolve,
        graphql_type=graphql_type,
        description=description,
        metadata={LINK: Link(names, known, load), **reads(*names)},
    )

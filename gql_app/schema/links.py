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
    """A field of `graphql_type` that shows another row through the operation's `loader`: the one
    whose key is what the attribute `by` of its parent says, or the attributes together if there are
    several. It is null where the (first) attribute is, or the key does not allow the row."""
    names = (by,) if isinstance(by, str) else by
    whole, rows = attrgetter(*names), attrgetter(f"loaders.{loader}")

    def key_of_several(row: Any) -> Hashable | None:
        key: tuple[Hashable, ...] = whole(row)
        return None if key[0] is None else key

    key = whole if len(names) == 1 else key_of_several

    async def resolve(parent: strawberry.Parent[Any], info: SharedInfo) -> Any:
        row_key = key(parent)
        return None if row_key is None else await rows(info.context).load(row_key)

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
        metadata={LINK: Link(key, known, load), **reads(*names)},
    )

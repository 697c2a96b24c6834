"""Fields that show another row by its number in this one."""

from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Any

import strawberry

from gql_app.execution.runs import LINK, Link
from gql_app.schema.columns import reads
from gql_app.schema.context import Info


def linked(loader: str, by: str, graphql_type: object, description: str | None = None) -> Any:
    """A field of `graphql_type` that shows the row numbered as attribute `by` of its parent says,
    through the operation's `loader`. It is null where the attribute is, or the key does not allow
    the row."""
    number, rows = attrgetter(by), attrgetter(f"loaders.{loader}")

    async def resolve(parent: strawberry.Parent[Any], info: Info) -> Any:
        row_id = number(parent)
        return None if row_id is None else await rows(info.context).load(row_id)

    def known(context: Any) -> Mapping[int, Any]:
        found: Mapping[int, Any] = rows(context).known
        return found

    async def load(context: Any, ids: Collection[int]) -> Mapping[int, Any]:
        found: Mapping[int, Any] = await rows(context).load_many(ids)
        return found

    return strawberry.field(
        resolver=resolve,
        graphql_type=graphql_type,
        description=description,
        metadata={LINK: Link(number, known, load), **reads(by)},
    )

"""An item of a subscription goes with its result, and can be executed once more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NamedTuple

import pytest
import strawberry

from gql_app.execution.compiled import CompiledExecutor
from gql_app.execution.items import ItemResult
from gql_app.execution.memory import Schema


class Row(NamedTuple):
    value: int


class Placed(NamedTuple):
    row: Row
    place: str


ITEMS = [Placed(Row(1), "first"), Placed(Row(2), "second")]


class Database:
    is_away = False


def fragile(parent: strawberry.Parent[Row]) -> int:
    if Database.is_away:
        raise OSError("The database is away.")
    return parent.value


async def slow(parent: strawberry.Parent[Row]) -> int:
    await asyncio.sleep(0)
    return parent.value


@strawberry.type
class Reading:
    value: int

    fragile: int = strawberry.field(resolver=fragile)
    slow: int = strawberry.field(resolver=slow)


@strawberry.type
class Query:
    is_there: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription(graphql_type=Reading)  # type: ignore[untyped-decorator]
    async def readings(self) -> AsyncGenerator[Any, None]:
        for item in ITEMS:
            yield item


SCHEMA = Schema(query=Query, subscription=Subscription, execution_context_class=CompiledExecutor)


async def results(document: str) -> list[ItemResult]:
    stream: Any = await SCHEMA.subscribe(document)
    async with aclosing(stream):
        return [result async for result in stream]


@pytest.mark.parametrize("field", ["value", "slow"])
async def test_each_result_has_its_item(field: str) -> None:
    shown = await results(f"subscription {{ readings {{ {field} }} }}")
    assert [result.item for result in shown] == ITEMS
    assert [result.data for result in shown] == [{"readings": {field: n}} for n in (1, 2)]
    assert [result.errors for result in shown] == [None, None]


@pytest.mark.parametrize("field", ["fragile", "fragile slow"])
async def test_an_item_that_failed_is_executed_again(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "is_away", True)
    failed, _ = await results(f"subscription {{ readings {{ {field} }} }}")
    assert failed.errors
    monkeypatch.setattr(Database, "is_away", False)
    again = await failed.again()
    assert (again.item, again.errors) == (ITEMS[0], None)
    assert again.data == {"readings": dict.fromkeys(field.split(), 1)}

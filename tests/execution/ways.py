"""Both ways to execute a document, compiled and graphql-core's own, over one rich office."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_app.access import Viewer, authenticate
from gql_app.access.budgets import Budgets, changes_budget, cost_budget
from gql_app.execution.items import Item
from gql_app.execution.memory import Schema
from gql_app.live.feeds import Feeds
from gql_app.schema import build_schema
from gql_app.schema.context import Context
from gql_app.work.postponing import postpone_task
from gql_app.work.promises import tell_call_back
from gql_app.work.transitions import expire_task
from models.call_back import CallBackBy
from models.lifecycle import ContactOutcome
from models.practice import Queue
from models.priority import TaskPriority
from models.roles import Role
from tests.flows.dashboard import services
from tests.office import Office, make_office
from tests.serving import PATIENCE
from tests.support.access import create_key
from tests.support.call_backs import promise

T = TypeVar("T")
Test = TypeVar("Test", bound=Callable[..., Any])

ATTEMPTS = 5

ROLES = ("staff", "supervisor", "partner", "limited")

TASK = """id status isOpen statusLabel origin priority reason followUp followUpAt isCallBackDue
    callBackBy { id name } expiresAt version contactCount createdAt closedAt closeCause
    queue { id name }
    patient { id name phone phones { number extension display href kind } }
    lastContact { id outcome followUp closedTask loggedAt notes loggedBy { id name } }"""

ALL = "filter: {status: [OPEN, IN_PROGRESS, CLOSED]}"


def cancels(test: Test) -> Test:
    """Marks a test in which graphql-core cancels what is under way beside an error. What had not
    begun is then never awaited, and says so when it is collected."""
    marked: Test = pytest.mark.usefixtures("collected")(test)
    pytest.mark.filterwarnings(
        "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
    )(marked)
    return marked


class PlainExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's own, which is handed the rows of items."""

    def build_per_event_executor(self, payload: Item) -> Any:
        return super().build_per_event_executor(payload.row)


class Ways:
    """Both ways to execute a document, over one office."""

    def __init__(self, runner: asyncio.Runner, office: Office, viewers: Mapping[str, Viewer]):
        self.compiled, self.plain = build_schema(), build_schema()
        self.plain.execution_context_class = PlainExecutor
        self.office = office
        self.viewers = viewers
        budgets = Budgets(cost_budget(10**12), changes_budget(10**12))
        self.services = replace(services(Feeds(), office.clock), budgets=budgets)
        self._runner = runner

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self._runner.run(awaited())

    def context(self, role: str) -> Context:
        return Context(self.viewers[role], self.services)

    def answer(
        self, schema: Schema, document: str, role: str = "staff", **variables: Any
    ) -> dict[str, Any]:
        """What one way answers: data, and what is told of each error."""
        name = variables.pop("operation", None)
        execute = schema.execute(document, variables, self.context(role), operation_name=name)
        return answer(self.run(asyncio.wait_for(execute, PATIENCE)))

    def same(self, document: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """The answer, which is the same both ways, the order of its keys included. One with errors
        may be asked for again, and if its errors still are not the same it is at least alike."""
        for _ in range(ATTEMPTS):
            compiled, plain = (
                self.answer(schema, document, role, **variables)
                for schema in (self.compiled, self.plain)
            )
            if json.dumps(compiled) == json.dumps(plain):
                return plain
            if not plain["errors"]:
                break
        if not (compiled["errors"] and plain["errors"]):
            assert json.dumps(compiled, indent=1) == json.dumps(plain, indent=1), document
        check_alike(compiled, plain, document)
        return plain

    def alike(self, document: str) -> dict[str, Any]:
        """The answer, of which the data is the same both ways, and the nulls that are for an error.

        graphql-core puts independent errors in the order in which they come up. Of several that
        null one place it says the first, and cancels what is still under way. Which that is depends
        on the turns of the loop and on the database, not on the document."""
        compiled, plain = (self.answer(schema, document) for schema in (self.compiled, self.plain))
        check_alike(compiled, plain, document)
        return plain

    def data(self, document: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """The data of an answer that is the same both ways and has no error."""
        result = self.same(document, role, **variables)
        assert not result["errors"], result["errors"]
        data: dict[str, Any] = result["data"]
        return data

    def messages(self, document: str, after: str, limit: int) -> list[str]:
        """The first messages of a subscription, the same both ways."""

        async def read(schema: Schema) -> list[str]:
            context = self.context("staff")
            stream: Any = await schema.subscribe(document, {"after": after or None}, context)
            found: list[str] = []
            async with asyncio.timeout(PATIENCE), aclosing(stream):
                while len(found) < limit:
                    found.append(json.dumps(answer(await anext(stream)), indent=1))
            return found

        compiled, plain = (self.run(read(schema)) for schema in (self.compiled, self.plain))
        assert compiled == plain
        return plain


def answer(result: Any) -> dict[str, Any]:
    errors = [
        {**error.formatted, "raised": type(error.original_error).__name__}
        for error in result.errors or ()
    ]
    return {"data": result.data, "errors": errors}


def check_alike(compiled: dict[str, Any], plain: dict[str, Any], document: str) -> None:
    """Check what is the same of two answers whose errors came up in another order: see `alike`."""
    assert json.dumps(compiled["data"], indent=1) == json.dumps(plain["data"], indent=1), document
    assert nulled(compiled) == nulled(plain), document


def nulled(result: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """Where the data of an answer is null for an error."""
    places = set()
    for error in result["errors"]:
        value, path = result["data"], error["path"]
        depth = 0
        while value is not None:
            value, depth = value[path[depth]], depth + 1
        places.add(tuple(path[:depth]))
    return places


async def rich_office() -> tuple[Office, dict[str, Viewer]]:
    """An office with tasks in every state, contacts of all sorts, and a viewer of each role."""
    office = await make_office()
    await Queue.create(
        practice_id=office.practice.id, name="Idle", position=2, created_at=datetime.now(UTC)
    )
    later = [office.clock() + timedelta(hours=hours) for hours in (1, 240)]
    tasks = [
        await office.make_task(
            (office.recall, office.missed)[number % 2],
            patient=office.patients[number % 3],
            reason=f"Reason {number}",
            priority=TaskPriority(1 + number % 3),
            **({"expires_at": later[number % 2]} if number > 5 else {}),
        )
        for number in range(9)
    ]
    logged = [
        await office.log(tasks[1], ContactOutcome.LEFT_MESSAGE, notes="Mornings only"),
        await office.log(tasks[2], ContactOutcome.LEFT_MESSAGE, notes="First"),
        await office.log(tasks[2], viewer=office.supervisor),
        await office.log(tasks[3], ContactOutcome.SCHEDULED, close=True, notes="On Monday"),
        await office.log(tasks[4], viewer=office.supervisor),
        await promise(office, tasks[7], office.clock() + timedelta(hours=1), CallBackBy.ME),
    ]
    day = office.today + timedelta(days=3)
    logged.append(
        await office.changes.make(office.staff, postpone_task, tasks[5].id, day, "On holiday")
    )
    assert not [refusal for outcome in logged for refusal in outcome.refusals]
    office.clock.advance(hours=2)
    assert await office.changes.make_for(office.practice.id, tell_call_back, tasks[7].id)
    assert await office.changes.make_for(office.practice.id, expire_task, tasks[6].id)
    limited = await create_key(
        office.practice, Role.PARTNER, "Of one queue", queue_ids=[office.recall.id]
    )
    viewers = {role: getattr(office, role) for role in ROLES[:-1]}
    return office, viewers | {"limited": await authenticate(limited), "admin": office.admin}

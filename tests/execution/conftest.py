"""Fixtures: both ways to execute a document, over an office that a module's tests share."""

import asyncio
import gc
import shutil
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from graphql.execution.executor import Executor

from gql_app.execution.compiled import CompiledExecutor
from models.database import opened
from tests.conftest import BOTH, with_database
from tests.execution.ways import Ways, rich_office


@pytest.fixture(scope="module", params=BOTH)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of the database."""
    param: str = request.param
    return param


@pytest.fixture(scope="module")
def ways(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ways]:
    """Both ways over an office that all tests of the module share, in a loop of their own."""
    forget_the_cancelled()
    with asyncio.Runner() as runner:
        database = AsyncExitStack()
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("both") / "callboard.sqlite3"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite://{path}"
        else:
            server, template = (
                request.getfixturevalue(name) for name in ("postgres_url", "postgres_template")
            )
            url = runner.run(database.enter_async_context(copied(server, template)))
        runner.run(database.enter_async_context(opened(url)))
        try:
            yield Ways(runner, *runner.run(rich_office()))
        finally:
            runner.run(database.aclose())


def forget_the_cancelled() -> None:
    """Collect what earlier tests left. Coroutines that were cancelled before they began say so when
    they are collected, which may be in a test that has cancelled nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()


@asynccontextmanager
async def copied(server: str, template: str) -> AsyncIterator[str]:
    """The address of a copy of a database."""
    name = f"callboard_both_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield with_database(server, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def collected() -> Iterator[None]:
    """Warnings of what was cancelled belong to the test that has cancelled it."""
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many objects graphql-core has completed from now on, by who executes."""
    seen: Counter[str] = Counter()
    complete = Executor.complete_object_value

    def count(self: Any, *given: Any) -> Any:
        seen["compiled" if isinstance(self, CompiledExecutor) else "plain"] += 1
        return complete(self, *given)

    monkeypatch.setattr(Executor, "complete_object_value", count)
    return seen

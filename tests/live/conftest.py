"""Fixtures for the bus: each kind of it, shared, or one of a test's own that can be taken away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from tests.brokers import Broker, PostgresBroker, redis_server
from tests.conftest import with_database

KINDS = ("redis", "postgres")


@pytest.fixture(params=KINDS)
def bus_url(request: pytest.FixtureRequest) -> str:
    """The address of a bus of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@asynccontextmanager
async def postgres_broker(postgres_url: str) -> AsyncIterator[PostgresBroker]:
    name = f"callboard_bus_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield PostgresBroker(with_database(postgres_url, name), admin, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture(params=KINDS)
async def broker(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[Broker]:
    """A bus of each kind that nobody else uses."""
    if request.param == "redis":
        with redis_server() as server:
            yield server
    else:
        async with postgres_broker(postgres_url) as broker:
            yield broker

"""The composition root: what it makes belongs to one application, and goes with it."""

import asyncio
import gc
import importlib
import pkgutil
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

import pytest
from starlette.applications import Starlette

import gql_app
import models
from gql_app.app import build_app
from gql_app.execution.bounded import Bounded
from gql_app.execution.memory import Memory
from gql_app.execution.request import GraphQLRequest
from gql_app.schema.context import Context
from gql_app.settings import Settings
from gql_app.web.endpoint import Endpoint
from tests.office import Office
from tests.schema.documents import QUEUE_FEED

DOCUMENT = """query ($yes: Boolean!) {
    tasks { nodes { id patient { name @include(if: $yes) } lastContact { id } } } }"""

HANG_ON_CODE_ALONE = {
    "models.checks._zones",  # all that this machine knows
    "models.database.rows.select_list",  # SQL, by tables and their columns
    "models.database.rows._insertion_of_one",  # likewise
    "models.database.secret._told",  # the modules that write by the secret
    "models.database.values.maker_of",  # by the classes of rows
    "models.phone_zones._table",  # all that the table of area codes knows
    "models.zone_regions._regions",  # all that tzdata knows
}
"""Caches that applications may share: what is in them is the same for all, and soon complete."""

GROWS = (Bounded, deque, asyncio.Queue, WeakKeyDictionary, WeakValueDictionary)


def endpoint_of(app: Starlette) -> Endpoint:
    endpoint: Endpoint = app.routes[0].app  # type: ignore[attr-defined]
    assert isinstance(endpoint, Endpoint)
    return endpoint


def memory_of(endpoint: Endpoint) -> Memory:
    return endpoint._operations._schema.memory


def remembered(endpoint: Endpoint) -> dict[str, int]:
    """How much an application remembers of what clients have sent, by what it is of."""
    shapes = {"shapes": endpoint._streams._shapes._found}
    memory = {k: of for k, of in vars(memory_of(endpoint)).items() if k != "fallbacks"}
    return {name: len(of) for name, of in {**memory, **shapes}.items()}


async def ask(endpoint: Endpoint, office: Office) -> None:
    """Send a query and a subscription, past HTTP."""
    await endpoint._operations._services.clock.set()  # type: ignore[attr-defined]  # as at the start
    viewer = await endpoint._keys.authenticate(office.keys["staff"])
    answer = await endpoint._operations._schema.execute(
        DOCUMENT, {"yes": True}, Context(viewer, endpoint._operations._services)
    )
    assert not answer.errors
    results = endpoint._streams.run(viewer, GraphQLRequest(QUEUE_FEED, None, None))
    assert not (await anext(results)).last
    await results.aclose()


async def test_what_one_application_remembers_no_other_one_does(office: Office) -> None:
    await office.make_task()
    one, other = (endpoint_of(build_app(Settings())) for _ in range(2))
    await ask(one, office)
    assert all(remembered(one).values()), remembered(one)
    assert not any(remembered(other).values()), remembered(other)
    assert one._keys is not other._keys


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_an_application_remembers_is_freed_with_it(office: Office) -> None:
    app = build_app(Settings())
    endpoint = endpoint_of(app)
    await ask(endpoint, office)
    left: list[ref[Any]] = [
        ref(memory_of(endpoint)),
        ref(endpoint._keys),
        ref(endpoint._streams._shapes),
    ]
    del app, endpoint
    gc.unfreeze()  # an earlier test's server may have left it so
    gc.collect()
    assert [one() for one in left] == [None] * 3


def test_no_class_and_no_module_keeps_what_is_found_while_the_program_runs() -> None:
    assert set(keepers()) == HANG_ON_CODE_ALONE


def keepers() -> Iterator[str]:
    """What could keep something on a module or a class of ours. What is in capitals is constant."""
    for module in modules():
        own: list[Any] = [v for v in vars(module).values() if isinstance(v, type)]
        for owner in (module, *(v for v in own if v.__module__ == module.__name__)):
            for name, value in vars(owner).items():
                if getattr(value, "__module__", module.__name__) != module.__name__:
                    continue  # imported
                if hasattr(value, "cache_info") or _could_grow(name, value):
                    yield f"{owner.__name__}.{name}"


def _could_grow(name: str, value: object) -> bool:
    # Enums and named tuples have lists and dictionaries of Python's own.
    is_pythons = name.startswith("_") and (name.endswith("_") or name == "_field_defaults")
    is_constant = is_pythons or name == name.upper()
    return isinstance(value, GROWS if is_constant else (dict, list, set, *GROWS))


def modules() -> Iterator[ModuleType]:
    for package in (gql_app, models):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in found.name:
                yield importlib.import_module(found.name)

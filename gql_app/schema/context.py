"""What a resolver can reach: the scope or the viewer, the services, this operation's loaders."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import strawberry

from gql_app.access import Scope, Viewer
from gql_app.access.budgets import FREE, Budgets, Spent
from gql_app.execution.cost import NOTHING, Cost
from gql_app.live.feeds import Feeds
from gql_app.schema.loaders import Loaders
from gql_app.work.changes import Changes
from gql_app.work.claims import LEASE
from gql_app.work.reads.conditions import BadInput
from models.database import reading_apart


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root has wired together for the schema. `clock` gives the aware time;
    a claim lasts for `lease`; `passed` gives seconds that only ever grow, for what waits. `budgets`
    are what keys may spend."""

    changes: Changes
    feeds: Feeds
    clock: Callable[[], datetime]
    lease: timedelta = LEASE
    passed: Callable[[], float] = time.monotonic
    budgets: Budgets = field(default_factory=Budgets)


class SharedContext:
    """The context of an operation that may be executed once for several viewers: it knows their
    scope, and nothing of any one of them. `cost` is what the operation may bring back."""

    __slots__ = ("cost", "loaders", "scope", "services")

    def __init__(self, scope: Scope, services: Services) -> None:
        self.cost: Cost = NOTHING
        self.scope = scope
        self.services = services
        self.loaders = Loaders(scope, services.clock)

    def load_afresh(self) -> None:
        """Forget what was loaded."""
        self.loaders = Loaders(self.scope, self.services.clock)

    def reads_document(self, length: int) -> None:
        """A document of so many characters is new, and has to be read."""

    def admit(self) -> AbstractAsyncContextManager[None] | None:
        """Let the operation in."""
        return None


class Context(SharedContext):
    """The context of one viewer's operation. `gone` returns when nobody waits for its answer any
    more. If the operation was dear, `spent` says what it took from the viewer's budget."""

    __slots__ = ("gone", "spent", "viewer")

    def __init__(
        self,
        viewer: Viewer,
        services: Services,
        gone: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(viewer.scope, services)
        self.viewer = viewer
        self.gone = gone
        self.spent: Spent | None = None

    def reads_document(self, length: int) -> None:
        """A document of so many characters is new, and has to be read. Raises `RateLimited`."""
        self.services.budgets.spend_document(self.viewer.key_id, length)

    def admit(self) -> AbstractAsyncContextManager[None] | None:
        """Let the operation in, if the key's budgets allow it; if it is dear, at its place in line.
        Raises `RateLimited`."""
        cost, budgets = self.cost, self.services.budgets
        if cost.changes:
            budgets.spend_changes(self.viewer.key_id, cost.changes)
        if cost.leaves <= FREE and not cost.reports:
            return None
        return self._at_its_place()

    @asynccontextmanager
    async def _at_its_place(self) -> AsyncIterator[None]:
        key_id, budgets = self.viewer.key_id, self.services.budgets
        async with _until(self.gone), budgets.in_line(key_id):
            self.spent = await budgets.spend_cost(key_id, self.cost.leaves)
            with reading_apart():
                yield


@asynccontextmanager
async def _until(gone: Callable[[], Awaitable[object]] | None) -> AsyncIterator[None]:
    """End the block when the client goes away. Raises `BadInput` then."""
    if gone is None:
        yield
        return
    loop, watch = asyncio.get_running_loop(), asyncio.ensure_future(gone())
    limit = asyncio.timeout(None)

    def end(watched: asyncio.Future[object]) -> None:
        if not watched.cancelled():
            limit.reschedule(loop.time())

    try:
        async with limit:
            watch.add_done_callback(end)
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.wait({watch})
    except TimeoutError:
        if not limit.expired():
            raise
        raise BadInput("The request broke off.") from None  # nobody is left to be told


Info: TypeAlias = strawberry.Info[Context, None]
"""For fields of queries and mutations."""

SharedInfo: TypeAlias = strawberry.Info[SharedContext, None]
"""For all fields that a shared subscription may show: it has no viewer to hand them."""

"""What a resolver can reach: the scope or the viewer, the services, this operation's loaders."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import strawberry

from gql_app.access import USUAL_IDLE, Scope, Viewer
from gql_app.live.feeds import Feeds
from gql_app.schema.loaders import Loaders
from gql_app.work.changes import Changes
from gql_app.work.claims import LEASE


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root has wired together for the schema. `clock` gives the aware time;
    a claim lasts for `lease`; `passed` gives seconds that only ever grow, for what waits; a session
    ends when its person has done nothing for the time `idle`."""

    changes: Changes
    feeds: Feeds
    clock: Callable[[], datetime]
    lease: timedelta = LEASE
    passed: Callable[[], float] = time.monotonic
    idle: timedelta = USUAL_IDLE


class SharedContext:
    """The context of an operation that may be executed once for several viewers: it knows their
    scope, and nothing of any one of them."""

    __slots__ = ("loaders", "scope", "services")

    def __init__(self, scope: Scope, services: Services) -> None:
        self.scope = scope
        self.services = services
        self.loaders = Loaders(scope, services.clock)

    def load_afresh(self) -> None:
        """Forget what was loaded."""
        self.loaders = Loaders(self.scope, self.services.clock)


class Context(SharedContext):
    """The context of one viewer's operation."""

    __slots__ = ("viewer",)

    def __init__(self, viewer: Viewer, services: Services) -> None:
        super().__init__(viewer.scope, services)
        self.viewer = viewer


Info: TypeAlias = strawberry.Info[Context, None]
"""For fields of queries and mutations."""

SharedInfo: TypeAlias = strawberry.Info[SharedContext, None]
"""For all fields that a shared subscription may show: it has no viewer to hand them."""

"""What a resolver can reach: the scope or the viewer, the services, this operation's loaders."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

import strawberry

from gql_app.access import Scope, Viewer
from gql_app.live.feeds import Feeds
from gql_app.schema.loaders import Loaders
from gql_app.work.claims import Claims
from gql_app.work.transitions import Transitions
from models.chain import Position


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root has wired together for the schema. `clock` gives the aware time;
    `passed` gives seconds that only ever grow, for what waits."""

    transitions: Transitions
    claims: Claims
    feeds: Feeds
    clock: Callable[[], datetime]
    passed: Callable[[], float] = time.monotonic


class SharedContext:
    """The context of an operation that may be carried out once for many: it knows their scope, and
    nothing of any one of them.

    Of the event that is being sent, `position` is for transports that have a place of their own for
    its cursor, `day` and `of_the_clock` say what else the result hangs on, and with `more` others
    follow at once. `resume_after` is a cursor that came in a transport's own place. A stream ends
    once the position and the day that it has come to are `enough`. `failures` counts how often the
    event that is being sent could not be shown whole: it is told again. An answer that has to be
    `whole` has no data if any part of it failed.
    """

    __slots__ = (
        "day",
        "enough",
        "failures",
        "loaders",
        "more",
        "of_the_clock",
        "position",
        "queues",
        "resume_after",
        "scope",
        "services",
        "whole",
    )

    def __init__(self, scope: Scope, services: Services) -> None:
        self.scope = scope
        self.services = services
        self.loaders = Loaders(scope, services.clock)
        self.position: Position | None = None
        self.day: date | None = None
        self.of_the_clock = False
        self.more = False
        self.resume_after: str | None = None
        self.failures = 0
        self.whole = False
        self.queues: list[int] | None = None
        self.enough: Callable[[Position, date | None], bool] = _never

    def load_afresh(self) -> None:
        """Forget what was loaded."""
        self.loaders = Loaders(self.scope, self.services.clock)

    def at_event(
        self,
        position: Position,
        day: date | None = None,
        *,
        of_the_clock: bool = False,
        more: bool = False,
    ) -> None:
        """Forget what was loaded for the event before, unless both were read together: what was
        loaded since then is as new as either."""
        if not self.more:
            self.load_afresh()
        self.position, self.day, self.of_the_clock, self.more = position, day, of_the_clock, more


class Context(SharedContext):
    """The context of one viewer's operation."""

    __slots__ = ("viewer",)

    def __init__(self, viewer: Viewer, services: Services) -> None:
        super().__init__(viewer.scope, services)
        self.viewer = viewer


def _never(_: Position, __: date | None) -> bool:
    return False


Info: TypeAlias = strawberry.Info[Context, None]
"""For fields of queries and mutations."""

SharedInfo: TypeAlias = strawberry.Info[SharedContext, None]
"""For all fields that a shared subscription may show: it has no viewer to hand them."""

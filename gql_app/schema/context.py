"""What a resolver can reach: the viewer, the services, and this operation's loaders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import strawberry

from gql_app.access import Viewer
from gql_app.live.feed import Feeds
from gql_app.schema.loaders import Loaders
from gql_app.work.transitions import Transitions


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root has wired together for the schema."""

    transitions: Transitions
    feeds: Feeds
    clock: Callable[[], datetime]


class Context:
    """The context of one operation. `cursor` is that of the event being sent, for transports that
    have a place of their own for it, and `sent_cursor` that of the last one they have sent;
    `resume_after` is a cursor that came in such a place. `until` ends a stream behind an event.
    """

    __slots__ = (
        "cursor",
        "loaders",
        "resume_after",
        "sent_cursor",
        "services",
        "until",
        "viewer",
    )

    def __init__(self, viewer: Viewer, services: Services) -> None:
        self.viewer = viewer
        self.services = services
        self.loaders = Loaders(viewer, services.clock)
        self.cursor: str | None = None
        self.sent_cursor: str | None = None
        self.resume_after: str | None = None
        self.until: int | None = None

    def at_event(self, cursor: str) -> None:
        """Forget what was loaded for the event before."""
        self.cursor = cursor
        self.loaders = Loaders(self.viewer, self.services.clock)


Info: TypeAlias = strawberry.Info[Context, None]

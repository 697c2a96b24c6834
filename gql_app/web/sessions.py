"""Who is connected to this process: how many at once, and an end to those whose key has ended.

A session is a WebSocket or an event stream. Every process asks the database about its own
sessions' keys, so a revoked key is closed everywhere within about `CHECK_SECONDS`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gql_app.access import USUAL_IDLE, RateLimited, Viewer, still_valid
from gql_app.logs import SECURITY
from gql_app.logs.retrying import retried
from gql_app.web.close_codes import CloseCode

log = logging.getLogger(__name__)
security = logging.getLogger(SECURITY)

CHECK_SECONDS = 2.0
WARN_BEFORE = timedelta(seconds=60)
WARN_SHARE = 2
"""A short idle time is warned of when half of it has passed."""
MAX_SESSIONS = 20_000
MAX_SESSIONS_A_KEY = 5_000
"""Generous, for a practice may give all its dashboards one key; a runaway client stops here."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """The key will expire then: time to connect with another one. Or the session `is_idle`, and
    will end then unless its person does something."""

    at: datetime
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over: the close code of a socket, and why."""

    code: CloseCode
    reason: str


Notice = Expiring | Ended


class Notices:
    """The notice that a session has not taken yet: one at most. A newer one takes its place, but
    nothing takes the place of the first `Ended`, after which the rest does not matter."""

    def __init__(self) -> None:
        self._notice: Notice | None = None
        self._given = asyncio.Event()

    def give(self, notice: Notice) -> None:
        if not isinstance(self._notice, Ended):
            self._notice = notice
            self._given.set()

    async def take(self) -> Notice:
        """Wait for a notice. An `Ended` stays: the session is over for all who ask."""
        await self._given.wait()
        notice = self._notice
        assert notice is not None
        if not isinstance(notice, Ended):
            self._notice = None
            self._given.clear()
        return notice


@dataclass(eq=False, slots=True)
class Session:
    """One connection; `notify` must not block."""

    viewer: Viewer
    notify: Callable[[Notice], None]
    warned: bool = field(default=False)
    idle_warned_of: datetime | None = field(default=None)


class Sessions:
    """The sessions of this process; keys expire by `clock`, and are in use while a session lasts,
    of which `note` is told. A connection alone does not keep a person's session: it ends when they
    have done nothing for the time `idle`."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        note: Callable[[Viewer], None] | None = None,
        idle: timedelta = USUAL_IDLE,
    ) -> None:
        self._clock = clock
        self._note = note
        self._idle = idle
        self._sessions: set[Session] = set()
        self._a_key: Counter[int] = Counter()
        self._is_ending = False

    def __len__(self) -> int:
        return len(self._sessions)

    @contextmanager
    def admit(self, viewer: Viewer, notify: Callable[[Notice], None]) -> Iterator[None]:
        """Count a connection in for as long as the block lasts. Raises `RateLimited`."""
        if self._is_ending:  # uvicorn accepts for a moment after it was told to stop
            raise RateLimited("The server restarts; come back in a moment.")
        if len(self) >= MAX_SESSIONS or self._a_key[viewer.key_id] >= MAX_SESSIONS_A_KEY:
            raise RateLimited("There are too many connections; close some and try again.")
        session = Session(viewer, notify)
        self._sessions.add(session)
        self._a_key[viewer.key_id] += 1
        try:
            yield
        finally:
            self._sessions.discard(session)
            self._a_key[viewer.key_id] -= 1
            if not self._a_key[viewer.key_id]:
                del self._a_key[viewer.key_id]

    def end_all(self) -> None:
        """The server stops: every client is to come back, to another one or later."""
        self._is_ending = True
        for session in list(self._sessions):
            session.notify(Ended(CloseCode.RESTARTING, "Server restarts"))

    async def keep_checking(self) -> None:
        """Ask now and then whether the keys in use still hold."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with retried(log, "checking keys failed, will retry"):  # a key's expiry still holds
                await self._check()

    async def _check(self) -> None:
        now = self._clock()
        for session in list(self._sessions):
            expires_at = session.viewer.expires_at
            if expires_at is None:
                continue
            if expires_at <= now:
                session.notify(Ended(CloseCode.FORBIDDEN, "Key expired"))
            elif expires_at - now <= WARN_BEFORE and not session.warned:
                session.warned = True
                session.notify(Expiring(expires_at))
        asked = list(self._sessions)  # not of those who come in while we ask
        valid = await still_valid({session.viewer for session in asked}, now, self._idle)
        if self._note is not None:
            for viewer in valid:
                self._note(viewer)
        for session in asked:
            if session not in self._sessions:
                continue
            if session.viewer in valid:
                self._look_whether_idle(session, valid[session.viewer], now)
            else:
                _note_end(session.viewer, "revoked or changed")
                session.notify(Ended(CloseCode.FORBIDDEN, "Key revoked or changed"))

    def _look_whether_idle(self, session: Session, ends_at: datetime | None, now: datetime) -> None:
        if ends_at is None:
            return
        if ends_at <= now:
            _note_end(session.viewer, "idle")
            session.notify(Ended(CloseCode.FORBIDDEN, "Session idle"))
        elif session.idle_warned_of != ends_at and ends_at - now <= min(
            WARN_BEFORE, self._idle / WARN_SHARE
        ):
            session.idle_warned_of = ends_at
            session.notify(Expiring(ends_at, is_idle=True))


def _note_end(viewer: Viewer, reason: str) -> None:
    whose = {"practice": viewer.practice_id, "key": viewer.key_id}
    security.info("stream_ended", extra={"reason": reason, **whose})

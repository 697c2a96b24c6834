"""From a key to its viewer: who is asking, and for which practice."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from gql_app.access.guessing import Guesses, Where
from gql_app.access.tokens import KEY, digest, practice_of, visit_of
from gql_app.access.viewer import Home, Unauthenticated, Viewer
from gql_app.clock import machine_time
from models.access import read_queue_ids
from models.checks import is_time_zone
from models.database import among, fetch
from models.limits import Busy
from models.roles import Role

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How long a look at keys may take: all requests wait for it, and a connection may be half open."""
KNOWN_KEYS = 1_000
"""How many keys' viewers are kept as they were made from their rows."""
GOOD_KEYS = 10_000
"""How many keys that were valid are remembered: they are looked up however many others fail."""
LOOK_KEYS = 500
"""How many keys are looked up at once. They need not be valid to be counted."""
USUAL_IDLE = timedelta(minutes=30)
"""How long a session lasts whose person does nothing."""


class _KeyRow(NamedTuple):
    id: int
    practice_id: int
    digest: str
    time_zone: str
    region: str
    role: str
    staff_id: int
    name: str
    queue_ids: str | None
    may_create_tasks: bool
    expires_at: datetime | None
    revoked_at: datetime | None
    active_at: datetime | None
    home_practice_id: int | None
    home_key_id: int | None

    def idle_ends_at(self, idle: timedelta) -> datetime | None:
        """When a session ends if its person does nothing; None for a key, which has no such end."""
        return None if self.active_at is None else self.active_at + idle

    def why_invalid(self, now: datetime) -> str | None:
        """Whether it is revoked or expired. A session may be idle all the same."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return None


_Digest: TypeAlias = tuple[int, str]
"""A key as it is stored: its practice, and what `digest` makes of it."""

_Found: TypeAlias = dict[_Digest, "_KeyRow"]

# A visit `k` holds for as long as its guest `g`, the session at home `h`, and both practices' place
# in the group that the person supervises.
_VISIT_HOLDS = """
SELECT 1 FROM access_key g, access_key h, practice hp, group_supervisor gs, group_practice gp
WHERE g.practice_id = k.practice_id AND g.id = k.parent_id AND g.revoked_at IS NULL
    AND h.practice_id = k.home_practice_id AND h.id = k.home_key_id AND h.revoked_at IS NULL
    AND hp.id = h.practice_id AND hp.archived_at IS NULL
    AND gs.practice_id = h.practice_id AND gs.staff_id = h.staff_id
    AND gp.practice_id = k.practice_id AND gp.group_id = gs.group_id
"""

# What is done at home keeps a visit from being idle, too.
_KEYS = f"""
SELECT k.id, k.practice_id, k.digest, p.time_zone, p.region, k.role, k.staff_id, s.name,
       k.queue_ids, k.may_create_tasks, k.expires_at,
       CASE WHEN k.kind = 'VISIT' AND NOT EXISTS ({_VISIT_HOLDS}) THEN k.created_at
            ELSE COALESCE(k.revoked_at, p.archived_at) END,
       CASE k.kind WHEN 'SESSION' THEN COALESCE(k.last_used_at, k.created_at)
            WHEN 'VISIT' THEN (SELECT COALESCE(h.last_used_at, h.created_at) FROM access_key h
                WHERE h.practice_id = k.home_practice_id AND h.id = k.home_key_id) END,
       k.home_practice_id, k.home_key_id
FROM access_key k
JOIN practice p ON p.id = k.practice_id
JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
"""


def bearer(authorization: object) -> str:
    """The key in an Authorization value, "Bearer KEY". Raises `Unauthenticated`."""
    if isinstance(authorization, str):
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return key.strip()
    raise Unauthenticated("Send a key: Authorization: Bearer KEY.")


async def authenticate(
    key: str, kind: str = KEY, clock: Callable[[], datetime] = machine_time
) -> Viewer:
    """Look up one key by itself. Raises `Unauthenticated`, and `Busy` if it takes too long."""
    return await KeyLookup(clock).authenticate(key, kind)


class _Look:
    """One look at the keys in `wanted`, which `found` gives."""

    def __init__(self, carried_out: Callable[["_Look"], Coroutine[Any, Any, _Found]]) -> None:
        self.wanted: set[_Digest] = set()
        self.found = asyncio.create_task(carried_out(self))
        # If it fails when all who waited have gone, nobody is left to be told.
        self.found.add_done_callback(lambda found: found.cancelled() or found.exception())


class KeyLookup:
    """Look keys up in batches, one batch at a time. A request that arrives during a look-up waits
    for the next one, so that no answer is older than its request. One statement for each request
    would cost as much as a short query. Keys expire by `clock`; `note` is told of each use. A
    session ends when its person has done nothing for the time `idle`."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        note: Callable[[Viewer], None] | None = None,
        idle: timedelta = USUAL_IDLE,
    ) -> None:
        self._clock = clock
        self._note = note
        self._idle = idle
        self._told: set[tuple[int, str]] = set()
        self._viewer_of = lru_cache(KNOWN_KEYS)(_viewer)
        self._one_at_a_time = asyncio.Lock()
        self._next: _Look | None = None
        self._good: dict[_Digest, None] = {}
        self.guesses = Guesses()

    async def authenticate(self, key: str, kind: str = KEY, where: Where = None) -> Viewer:
        """The viewer that `key` stands for, sent from somewhere. Raises `Unauthenticated`, with
        the same words for any key that is not valid now, `Busy`, and `RateLimited` where too many
        keys came that nobody has."""
        practice_id = practice_of(key, kind)
        sent = None if practice_id is None else (practice_id, digest(key))
        return await self._viewer_behind(sent, where)

    async def visitor(self, session: str, practice_id: int, where: Where = None) -> Viewer:
        """The viewer that a session at home stands for in another practice, once it has begun a
        visit there. Raises as `authenticate` does."""
        sent = practice_id, digest(visit_of(session, practice_id))
        return await self._viewer_behind(sent, where)

    async def _viewer_behind(self, sent: _Digest | None, where: Where) -> Viewer:
        practice_id = None if sent is None else sent[0]
        if sent is None or sent not in self._good:
            self.guesses.check(where, practice_id)
        if sent is None or practice_id is None:
            self.guesses.note(where, None)
            raise Unauthenticated("The key is not valid.", "malformed")
        found = await self._find(*sent)
        if found is None:  # one that has ended is no guess
            self.guesses.note(where, practice_id)
            raise Unauthenticated("The key is not valid.", "unknown", practice_id)
        reason = self._why_invalid(found)
        if reason is None:
            viewer = self._read(found)
            if viewer is not None:
                self._keep(sent)
                return viewer
        raise Unauthenticated(
            "The key is not valid.", reason or "unreadable", practice_id, found.id
        )

    def _keep(self, good: _Digest) -> None:
        if good not in self._good:
            if len(self._good) >= GOOD_KEYS:
                del self._good[next(iter(self._good))]
            self._good[good] = None

    def _why_invalid(self, row: _KeyRow) -> str | None:
        now, idle_ends_at = self._clock(), row.idle_ends_at(self._idle)
        is_idle = idle_ends_at is not None and idle_ends_at <= now
        return row.why_invalid(now) or ("idle" if is_idle else None)

    def _read(self, row: _KeyRow) -> Viewer | None:
        """The viewer of a key that is valid. None if its row cannot be read: somebody has written
        it by hand. What is wrong is logged once."""
        try:
            viewer = self._viewer_of(row)
        except ValueError:
            self._tell(row.practice_id, f"key {row.id} cannot be read, and nobody is let in by it")
            return None
        if not is_time_zone(row.time_zone):
            what = f"{row.time_zone!r} is no time zone, and what depends on its dates fails"
            self._tell(row.practice_id, what)
        if self._note is not None:
            self._note(viewer)
        return viewer

    def _tell(self, practice_id: int, what: str) -> None:
        if (practice_id, what) not in self._told:
            self._told.add((practice_id, what))
            log.error("practice %d: %s; callboard doctor says more", practice_id, what)

    async def _find(self, practice_id: int, its_digest: str) -> _KeyRow | None:
        look = self._next
        if look is None or len(look.wanted) >= LOOK_KEYS:
            look = self._next = _Look(self._carry_out)
        look.wanted.add((practice_id, its_digest))
        found = await asyncio.shield(look.found)  # one who goes away does not end it for others
        return found.get((practice_id, its_digest))

    async def _carry_out(self, look: _Look) -> _Found:
        async with self._one_at_a_time:
            if self._next is look:
                self._next = None
            numbers = range(1, 2 * len(look.wanted), 2)
            pairs = ", ".join(f"(CAST(${n} AS BIGINT), CAST(${n + 1} AS TEXT))" for n in numbers)
            pair = f"(VALUES {pairs}) AS w ON w.column1 = k.practice_id AND w.column2 = k.digest"
            values = chain.from_iterable(look.wanted)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    rows = await fetch(_KeyRow, f"{_KEYS} JOIN {pair}", *values)
            except TimeoutError as error:
                raise Busy("keys could not be looked up in time") from error
        return {(row.practice_id, row.digest): row for row in rows}


async def still_valid(
    viewers: set[Viewer], now: datetime, idle: timedelta = USUAL_IDLE
) -> dict[Viewer, datetime | None]:
    """Those of `viewers` whose key still says the same of them `now`, but for their name: nobody is
    sent away because they are called something else. Beside each is when its session ends, or has
    ended, because its person does nothing; None if it is no session."""
    if not viewers:
        return {}
    practices = sorted({viewer.practice_id for viewer in viewers})
    keys = sorted({viewer.key_id for viewer in viewers})
    where = f"{among('k.practice_id', 1)} AND {among('k.id', 2)}"
    rows = await fetch(_KeyRow, f"{_KEYS} WHERE {where}", practices, keys)
    said: dict[int, Viewer] = {}
    ends: dict[int, datetime | None] = {}
    for row in rows:
        with suppress(ValueError):  # one that cannot be read ends its own sessions, no others
            if row.why_invalid(now) is None:
                said[row.id], ends[row.id] = _viewer(row), row.idle_ends_at(idle)
    return {viewer: ends[viewer.key_id] for viewer in viewers if _is_still(viewer, said)}


def _is_still(viewer: Viewer, said: Mapping[int, Viewer]) -> bool:
    """Whether what keys say now, by their numbers, is what `viewer` is, but for the name."""
    now = said.get(viewer.key_id)
    return now is not None and (now == viewer or replace(now, name=viewer.name) == viewer)


def _viewer(row: _KeyRow) -> Viewer:
    return Viewer(
        key_id=row.id,
        practice_id=row.practice_id,
        time_zone=row.time_zone,
        region=row.region,
        role=Role(row.role),
        staff_id=row.staff_id,
        name=row.name,
        queue_ids=read_queue_ids(row.queue_ids),
        may_create_tasks=row.may_create_tasks,
        expires_at=row.expires_at,
        home=_home(row),
    )


def _home(row: _KeyRow) -> Home | None:
    if row.home_practice_id is None or row.home_key_id is None:
        return None
    return Home(row.home_practice_id, row.home_key_id)

"""When each key was last used, and when the person of each session last did something. Uses of a
key are written down at most once a minute: a write for every request would cost more than the
request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gql_app.access.viewer import ChangeOfPractice, Viewer
from gql_app.logs.retrying import retried
from models.database import among, for_update_but_its_key, write
from models.limits import Busy

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
FRESH_SECONDS = 60.0
"""How long a use that was written down stands for those after it."""


class LastUse:
    """The uses that this process has seen. `make_for` carries a change of a practice out; `passed`
    gives seconds that only ever grow."""

    def __init__(
        self, make_for: Callable[..., Awaitable[object]], passed: Callable[[], float]
    ) -> None:
        self._make_for = make_for
        self._passed = passed
        self._written: dict[tuple[int, int], float] = {}
        self._waiting: set[tuple[int, int]] = set()
        self._active: set[tuple[int, int]] = set()

    def note_activity(self, viewer: Viewer) -> None:
        """The person of this session does something now. Pages tell it once a minute at most."""
        self._active.add((viewer.practice_id, viewer.key_id))

    def note(self, viewer: Viewer) -> None:
        """The viewer's key is used now."""
        key = viewer.practice_id, viewer.key_id
        if key not in self._written:
            self._waiting.add(key)

    async def keep_writing(self) -> None:
        """Write down what was noted, until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(ROUND_SECONDS)
                with retried(log, "the use of keys was not written"):
                    await self.write()
        finally:
            with suppress(Exception):
                await self.write()

    async def write(self) -> None:
        """Write down what was noted. A session's use is that of the key it was made from."""
        now = self._passed()
        self._written = {k: at for k, at in self._written.items() if now - at < FRESH_SECONDS}
        for practice_id in sorted({practice_id for practice_id, _ in self._waiting | self._active}):
            used = {key for key in self._waiting if key[0] == practice_id}
            active = {key for key in self._active if key[0] == practice_id}
            ids = [[key_id for _, key_id in keys] for keys in (used, active)]
            try:
                await self._make_for(practice_id, _write_down, *ids)
            except Busy:  # the log has named the practice; the others need not wait for it
                continue
            self._waiting -= used
            self._active -= active
            self._written |= dict.fromkeys(used, now)


async def _write_down(change: ChangeOfPractice, used: list[int], active: list[int]) -> None:
    await write(_statement(), change.practice_id, used, change.now, active)


def _statement() -> str:
    """Rows are locked by their numbers: another process may write the same ones."""
    return f"""
    UPDATE access_key SET last_used_at = $3 WHERE practice_id = $1 AND id IN (
        SELECT k.id FROM access_key k WHERE k.practice_id = $1 AND ({among("k.id", 4)} OR k.id IN (
            SELECT COALESCE(used.parent_id, used.id) FROM access_key used
            WHERE used.practice_id = $1 AND {among("used.id", 2)}))
        ORDER BY k.id {for_update_but_its_key()})
    """

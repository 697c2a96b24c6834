"""Whether requests can be answered now: what a request does is tried, once for all who ask."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from models.limits import Busy

log = logging.getLogger(__name__)

READY_SECONDS = 2.0
"""A database that takes longer for all of it is as good as away."""

FRESH_SECONDS = 0.5
"""How long a result is told to those who ask after it."""


class Readiness:
    """Tries `steps` one after the other: names, and functions that raise if they cannot be done."""

    def __init__(self, steps: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        self._steps = steps
        self._step = ""
        self._trial: asyncio.Task[None] | None = None
        self._failed: str | None = None
        self._ended = -FRESH_SECONDS

    async def failed_step(self) -> str | None:
        """The step that cannot be done now, or not in time; None if all can be."""
        clock = asyncio.get_running_loop().time
        if self._trial is None:
            if clock() - self._ended < FRESH_SECONDS:
                return self._failed
            self._trial = asyncio.create_task(self._try())
        # What was given up may take a moment to end; nobody waits for that.
        done, _ = await asyncio.wait({self._trial}, timeout=READY_SECONDS)
        if not done:
            self._note(self._step, "too slow")
        return self._failed

    async def end(self) -> None:
        """End a trial that is under way."""
        if self._trial is not None:
            self._trial.cancel()
            await asyncio.wait({self._trial})

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                for step, act in self._steps.items():
                    self._step = step
                    await act()
            self._note(None)
        except TimeoutError:
            self._note(self._step, "too slow")
        except Busy as busy:
            self._note(self._step, busy.reason)
        except Exception as error:  # whatever it is, a request would fail too
            self._note(self._step, type(error).__name__)
        finally:
            self._ended = asyncio.get_running_loop().time()
            self._trial = None

    def _note(self, failed: str | None, reason: str = "") -> None:
        if failed is not None and self._failed is None:
            log.warning("not ready: %s failed: %s", failed, reason)
        elif failed is None and self._failed is not None:
            log.warning("ready again")
        self._failed = failed

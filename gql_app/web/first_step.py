"""Taking the first step of a coroutine, to see whether it has to wait at all."""

from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any


def begun(work: Coroutine[Any, Any, None]) -> "Rest | None":
    """Run `work` up to where it waits for the first time. None if it has come to its end without;
    else what is left of it, to be awaited."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return Rest(work, waits_for)


class Rest:
    """The rest of a coroutine that waits."""

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                told = yield waits_for
            except BaseException as error:
                go_on = partial(self._work.throw, error)
            else:
                go_on = partial(self._work.send, told)
            try:
                waits_for = go_on()
            except StopIteration:
                return

"""State machines, run over a database of their own."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from models.database import opened
from tests.support.examples import examples


def run_machine(
    machine: Callable[[asyncio.Runner], Any],
    database_url: str,
    usual: int,
    phases: Collection[Phase] = (Phase.generate, Phase.shrink),
    steps: int = 40,
) -> None:
    """Try a machine with as many examples as usual, of so many steps each."""
    with asyncio.Runner() as runner:
        database = AsyncExitStack()
        runner.run(database.enter_async_context(opened(database_url)))
        try:
            made: Any = partial(machine, runner)
            run_state_machine_as_test(
                made,
                settings=settings(
                    max_examples=examples(usual),
                    stateful_step_count=steps,
                    deadline=None,
                    phases=phases,
                ),
            )
        finally:
            runner.run(database.aclose())

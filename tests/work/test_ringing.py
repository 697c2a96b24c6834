"""The bell is rung once for changes that end together, and soon."""

from contextlib import ExitStack, suppress

import pytest

from gql_app.work import ringing as bell_module
from gql_app.work.ringing import Bell
from tests.brokers import until

HERE, THERE = 1, 2


@pytest.fixture
def rings() -> list[tuple[int, int]]:
    return []


@pytest.fixture
def bell(rings: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> Bell:
    """A bell that holds its rings for ever, but for what lets them go."""
    monkeypatch.setattr(bell_module, "HOLD_SECONDS", 3_600)
    return Bell(lambda practice_id, seq: rings.append((practice_id, seq)))


async def test_a_change_alone_rings_at_once(bell: Bell, rings: list[tuple[int, int]]) -> None:
    for seq in (1, 2):
        with bell.change(HERE) as committed:
            committed(seq)
    assert rings == [(HERE, 1), (HERE, 2)]


async def test_changes_that_end_while_others_are_under_way_ring_once_with_the_last_number(
    bell: Bell, rings: list[tuple[int, int]]
) -> None:
    with bell.change(HERE) as first:
        with bell.change(HERE) as second, bell.change(HERE) as third:
            third(3)
            second(2)
        assert rings == []
        first(1)
    assert rings == [(HERE, 3)]


async def test_a_change_that_comes_to_nothing_lets_the_ring_of_another_go(
    bell: Bell, rings: list[tuple[int, int]]
) -> None:
    with suppress(OSError), bell.change(HERE):
        with bell.change(HERE) as committed:
            committed(1)
        assert rings == []
        raise OSError("The database is away.")
    assert rings == [(HERE, 1)]


async def test_practices_do_not_wait_for_each_other(
    bell: Bell, rings: list[tuple[int, int]]
) -> None:
    with bell.change(HERE):
        with bell.change(THERE) as committed:
            committed(1)
        assert rings == [(THERE, 1)]


async def test_a_change_that_takes_long_does_not_hold_the_ring_of_another_for_long(
    bell: Bell, rings: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell_module, "HOLD_SECONDS", 0.001)
    with ExitStack() as long:
        long.enter_context(bell.change(HERE))
        with bell.change(HERE) as committed:
            committed(1)
        await until(lambda: rings == [(HERE, 1)])
    assert rings == [(HERE, 1)]

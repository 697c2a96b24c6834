"""Whoever guesses keys is slowed, and nobody else is."""

import logging

import pytest

from gql_app.access import KeyLookup, RateLimited, Unauthenticated, budgets
from gql_app.access.guessing import ALLOWED
from gql_app.clock import machine_time
from tests.office import Office
from tests.support.access import revoke_key


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])
    return now


async def guess(keys: KeyLookup, practice_id: int, address: str, times: int) -> list[type]:
    found: list[type] = []
    for n in range(times):
        try:
            await keys.authenticate(f"cb_{practice_id}_guess{n}", where=lambda: address)
        except (Unauthenticated, RateLimited) as error:
            found.append(type(error))
    return found


async def test_after_ten_keys_that_nobody_has_the_next_are_refused_unread(
    office: Office, passed: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyLookup(machine_time)
    viewer = await keys.authenticate(office.keys["staff"], where=lambda: "192.0.2.1")
    with caplog.at_level(logging.WARNING, "callboard.security"):
        found = await guess(keys, 77, "192.0.2.1", ALLOWED + 5)
    assert found == [Unauthenticated] * ALLOWED + [RateLimited] * 5
    assert (keys.guesses.failures, keys.guesses.refused) == (ALLOWED, 5)
    assert "from 192.0.2.1" in caplog.text
    assert not any(f"guess{n}" in caplog.text for n in range(ALLOWED))
    # A key that was good before is not slowed, wherever it comes from. Another one is, for a while.
    assert await keys.authenticate(office.keys["staff"], where=lambda: "192.0.2.1") == viewer
    with pytest.raises(RateLimited) as refused:
        await keys.authenticate(office.keys["partner"], where=lambda: "192.0.2.1")
    assert refused.value.retry_after == 6
    assert await keys.authenticate(office.keys["partner"], where=lambda: "192.0.2.2")
    passed[0] += 6
    assert await keys.authenticate(office.keys["supervisor"], where=lambda: "192.0.2.1")


async def test_a_practice_is_watched_from_wherever_its_keys_are_guessed(
    office: Office, passed: list[float]
) -> None:
    keys, practice_id = KeyLookup(machine_time), office.practice.id
    for n in range(ALLOWED):
        assert await guess(keys, practice_id, f"192.0.2.{n}", 1) == [Unauthenticated]
    assert await guess(keys, practice_id, "198.51.100.1", 1) == [RateLimited]
    assert await guess(keys, practice_id + 1, "198.51.100.1", 1) == [Unauthenticated]


async def test_a_key_that_has_ended_is_no_guess(office: Office, passed: list[float]) -> None:
    """A dashboard that was left open would have its whole office refused."""
    keys = KeyLookup(machine_time)
    await revoke_key(office.practice, office.staff.key_id)
    for _ in range(2 * ALLOWED):
        with pytest.raises(Unauthenticated):
            await keys.authenticate(office.keys["staff"], where=lambda: "192.0.2.1")
    assert keys.guesses.failures == 0

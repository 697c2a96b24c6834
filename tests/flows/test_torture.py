"""The torture in its short form, with each way to lose a part of the history, and the proof that
its check can fail."""

import asyncio
import sys

import pytest

SECONDS = 150


@pytest.mark.parametrize(("bus", "losses"), [("postgres", 2), ("redis", 0), ("sqlite", 1)])
async def test_nothing_is_lost_repeated_or_reordered_whatever_breaks(bus: str, losses: int) -> None:
    options = ("--bus", bus, "--faults", "5", "--losses", str(losses), "--clients", "40")
    code, output = await _torture(*options)
    assert code == 0, output
    assert ("told to start afresh: 0" in output) == (not losses), output


async def test_without_replay_the_torture_finds_what_was_lost() -> None:
    options = ("--bus", "sqlite", "--faults", "4", "--losses", "0", "--clients", "8")
    code, output = await _torture(*options, "--without-replay")
    assert code == 1, output
    assert "repeated: 0" in output


async def _torture(*options: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.torture",
        "--quiet",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    return process.returncode, output.decode()

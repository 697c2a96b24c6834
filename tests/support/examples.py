"""How many examples the tests try that make them up."""

import os

TIMES = int(os.environ.get("CALLBOARD_TEST_TIMES", "1"))


def examples(usual: int) -> int:
    """As many as fit into all tests, or so many times more: `make machines`."""
    return usual * TIMES

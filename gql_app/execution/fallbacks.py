"""Counts how often graphql-core did the work of a compiled plan, and why."""

import logging
from collections import Counter

log = logging.getLogger(__name__)

NOT_PLAIN, FAILED = REASONS = ("not_plain", "failed")
"""A selection has no plan, because only graphql-core can complete it; or its plan raised, and then
graphql-core completed the object again."""


class Fallbacks:
    """Counts objects and events of subscriptions, by the reason and the name of the type.

    The first failure of each type is logged as well, because a count does not say what is wrong.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def not_plain(self, type_name: str) -> None:
        self.counts[NOT_PLAIN, type_name] += 1

    def failed(self, type_name: str, error: Exception) -> None:
        if not self.counts[FAILED, type_name]:
            while isinstance(error, ExceptionGroup):  # several rows are loaded at once
                error = error.exceptions[0]
            log.warning("a plan of %s failed: %s", type_name, type(error).__name__)
        self.counts[FAILED, type_name] += 1

    def by_reason(self) -> dict[str, int]:
        totals = dict.fromkeys(REASONS, 0)
        for (reason, _), count in self.counts.items():
            totals[reason] += count
        return totals

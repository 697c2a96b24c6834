"""How urgent a task is, beside its dates; and what files call that."""

from enum import IntEnum


class TaskPriority(IntEnum):
    """Kept as numbers, so that an index has the most urgent first. Events keep them too: a number
    never gets another meaning."""

    HIGH = 1
    NORMAL = 2
    LOW = 3


_CALLED = {
    TaskPriority.HIGH: ("high", "hoch", "1", "a"),
    TaskPriority.NORMAL: ("normal", "medium", "mittel", "2", "b"),
    TaskPriority.LOW: ("low", "niedrig", "3", "c"),
}
_BY_NAME = {name: priority for priority, names in _CALLED.items() for name in names}


def read_priority(text: str) -> TaskPriority | None:
    """The priority that a text names, in English or German, or by one of three numbers or letters
    of which the first is the most urgent. None if it is anything else."""
    return _BY_NAME.get(text.casefold())

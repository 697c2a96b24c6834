"""Priorities are read from what files call them, and sort as numbers."""

import pytest

from models.priority import TaskPriority, read_priority


def test_the_most_urgent_sorts_first() -> None:
    assert sorted(TaskPriority) == [TaskPriority.HIGH, TaskPriority.NORMAL, TaskPriority.LOW]


@pytest.mark.parametrize(
    ("texts", "priority"),
    [
        ("HIGH High high Hoch HOCH 1 A a", TaskPriority.HIGH),
        ("NORMAL normal Medium mittel Mittel 2 B b", TaskPriority.NORMAL),
        ("LOW Low niedrig NIEDRIG 3 C c", TaskPriority.LOW),
    ],
)
def test_a_priority_is_read_in_english_and_german(texts: str, priority: TaskPriority) -> None:
    assert {read_priority(text) for text in texts.split()} == {priority}


@pytest.mark.parametrize("text", ["0", "4", "10", "D", "urgent", "high!", "1.0", "-1", "¹"])
def test_anything_else_is_no_priority(text: str) -> None:
    assert read_priority(text) is None

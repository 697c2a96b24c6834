"""What the benchmarks hand in, and how it is shown: a table, JSON, and a chart."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

TIMES = "\N{MULTIPLICATION SIGN}"


class Figure(NamedTuple):
    """One row: a piece of work, what Callboard made of it and what the other one did, both in
    `unit` and the median of alternating runs. `ratio` is how many times better Callboard is, or
    how large a part of the other it reaches; `goal` is what it has to be at least (or at most,
    where `at_most`: then it is not the ratio but Callboard's own value). `theirs` is None where
    the other could not be had, and `note` says why; `peer` is empty where there is none.
    """

    work: str
    peer: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    goal: float
    at_most: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None if it cannot be said."""
        if self.at_most:
            return self.ours <= self.goal
        return None if self.ratio is None else self.ratio >= self.goal

    @property
    def less_is_better(self) -> bool:
        """Whether the unit is a cost (seconds, memory), not a rate."""
        if self.theirs is None or self.ratio is None:
            return self.at_most
        return (self.ours < self.theirs) == (self.ratio > 1)

    @property
    def goal_text(self) -> str:
        if self.at_most:
            return f"at most {self.goal:g} {self.unit}"
        return f"{self.goal:g}{TIMES}"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures: Sequence[Figure]) -> Table:
    """A row for each figure."""
    rows = Table("work", "against")
    for column in ("Callboard", "the other", "unit", "ratio", "goal"):
        rows.add_column(column, justify="left" if column == "unit" else "right")
    rows.add_column("")
    for figure in figures:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[figure.is_met]
        rows.add_row(
            figure.work,
            figure.peer,
            number(figure.ours),
            "" if figure.theirs is None else number(figure.theirs),
            figure.unit,
            "" if figure.ratio is None else f"{figure.ratio:.2f}{TIMES}",
            figure.goal_text,
            f"{verdict}: {figure.note}" if figure.note else verdict,
        )
    return rows


def show(figures: Sequence[Figure]) -> None:
    """Print the table, however narrow the terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(table(figures))


def measure_alone(description: str, figures: Callable[[int, bool], list[Figure]]) -> None:
    """The command of one benchmark; `figures` takes how many rounds, and whether to be quick."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, in turns")
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    options = parser.parse_args()
    show(figures(options.rounds, options.quick))


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures for programs, with whether each goal is met."""
    rows = [{**figure._asdict(), "met": figure.is_met} for figure in figures]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")

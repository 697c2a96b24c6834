"""What an attack came to: rows of one table."""

from collections.abc import Sequence
from typing import NamedTuple

HEADER = ("attack", "figure", "at most", "held")


class Row(NamedTuple):
    """One figure of an attack beside its limit."""

    attack: str
    figure: str
    limit: str
    held: bool


def at_most(attack: str, figure: float, limit: float, unit: str) -> Row:
    """A row that is held if `figure` is `limit` or less, both in `unit`."""
    return Row(attack, f"{figure:,.1f} {unit}", f"{limit:,g} {unit}", figure <= limit)


def expected(attack: str, figure: object, wanted: object) -> Row:
    """A row that is held if `figure` is `wanted`."""
    return Row(attack, str(figure), str(wanted), figure == wanted)


def shown(rows: Sequence[Row]) -> str:
    """The rows as a table with aligned columns."""
    lines = [HEADER] + [(*row[:3], "yes" if row.held else "NO") for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )

"""What is made of the figures: whether a goal is met, the table, JSON and the chart."""

import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from benchmarks.bench import write
from benchmarks.chart import blocks, chart
from benchmarks.report import Figure, number, table

FAN_OUT = Figure("fan-out", "stock & co", "deliveries/s", 120_000, 6_000, 20.0, 20)
SLOWER = Figure("fan-out", "bare", "deliveries/s", 120_000, 110_000, 1.09, 1.2)
MEMORY = Figure("memory", "stock & co", "KB", 36.0, 57.0, 1.58, 35, at_most=True)
LATENCY = Figure("latency", "", "ms", 25.0, None, None, 25, at_most=True)
CONNECT = Figure("connect", "stock & co", "s", 3.0, 10.5, 3.5, 3)
ABSENT = Figure("fan-out", "yoga", "deliveries/s", 120_000, None, None, 5, note="needs Node")
ALL = [FAN_OUT, SLOWER, ABSENT, MEMORY, LATENCY, CONNECT]


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (FAN_OUT, True),
        (SLOWER, False),
        (MEMORY, False),
        (LATENCY, True),
        (CONNECT, True),
        (ABSENT, None),
    ],
)
def test_a_goal_is_met_by_the_ratio_or_by_the_value(figure: Figure, is_met: bool | None) -> None:
    assert figure.is_met is is_met


def test_seconds_and_memory_are_costs_and_rates_are_not() -> None:
    assert [figure.less_is_better for figure in ALL] == [False, False, False, True, True, True]


def test_numbers_have_three_digits_or_all_before_the_point() -> None:
    assert list(map(number, (123_456.7, 99.96, 12.34, 1.234))) == [
        "123,457",
        "100.0",
        "12.3",
        "1.23",
    ]


def test_the_table_says_what_was_missed_and_what_could_not_be_measured() -> None:
    console = Console(width=200, file=StringIO())
    console.print(table(ALL))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    rows = [row for row in rows if row]
    assert [row[-1].split(":")[0] for row in rows] == [
        "met",
        "MISSED",
        "not measured",
        "MISSED",
        "met",
        "met",
    ]
    assert rows[0][2:6] == ["120,000", "6,000", "deliveries/s", "20.00×"]  # noqa: RUF001
    assert "needs Node" in rows[2][-1]
    assert rows[4][6] == "at most 25 ms"


def test_all_is_written_for_programs_and_for_the_eye(tmp_path: Path) -> None:
    write(ALL, tmp_path, tmp_path)
    rows = json.loads((tmp_path / "figures.json").read_text())
    assert [row["met"] for row in rows] == [True, False, None, False, True, True]
    assert rows[0]["ratio"] == 20.0
    assert rows[2]["note"] == "needs Node"
    assert (tmp_path / "figures.svg").read_text() == chart(ALL)


def test_the_chart_has_a_bar_for_each_who_was_measured() -> None:
    assert [len(block.bars) for block in blocks(ALL)] == [4, 2, 1, 2]
    svg = ET.fromstring(chart(ALL))
    name = "{http://www.w3.org/2000/svg}"
    widths = [
        (rect.get("class"), float(rect.get("width", "0")))
        for rect in svg.iter(f"{name}rect")
        if rect.get("class") != "ground"
    ]
    ours, stock, bare, yoga = (width for _, width in widths[:4])
    assert ours / stock == pytest.approx(20, rel=0.01)
    assert ours > bare > stock
    assert yoga == 0
    assert [kind for kind, _ in widths[:4]] == ["ours", "theirs", "theirs", "theirs"]
    texts = ["".join(text.itertext()) for text in svg.iter(f"{name}text")]
    assert "stock & co" in texts
    assert "not measured" in texts
    assert max(width for _, width in widths) <= 430

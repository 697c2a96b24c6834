"""The figures as a chart: a block for each piece of work, a bar for each who did it.

Every block has a scale of its own, from zero. The chart brings its own background, so it can be
read whether the page around it is light or dark.
"""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import TIMES, Figure, number

OURS = "Callboard"
WIDTH = 880
MARGIN = 24
BARS_FROM = 210
LONGEST = 430
BAR, STEP, HEADING, GAP = 18, 24, 26, 20

STYLE = """
.ground { fill: #ffffff; stroke: #d1d9e0 }
text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.work { font-weight: 600 }
.name { text-anchor: end }
.quiet { fill: #59636e; font-weight: 400 }
.ours { fill: #0969da }
.theirs { fill: #aeb8c2 }
.goal { stroke: #bc4c00; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117; stroke: #3d444d }
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .ours { fill: #4493f8 }
  .theirs { fill: #656c76 }
  .goal { stroke: #f0883e }
}
"""


class Strip(NamedTuple):
    """A name, and how much it did; `text` stands behind the bar."""

    name: str
    value: float
    text: str


class Block(NamedTuple):
    """A piece of work. `limit` is what Callboard may need at most, if it is that kind of goal."""

    work: str
    unit: str
    less_is_better: bool
    limit: float | None
    bars: list[Strip]


def blocks(figures: Sequence[Figure]) -> list[Block]:
    """Figures of the same work and unit belong together."""
    found: dict[tuple[str, str], Block] = {}
    for figure in figures:
        key = (figure.work, figure.unit)
        if key not in found:
            limit = figure.goal if figure.at_most else None
            ours = Strip(OURS, figure.ours, number(figure.ours))
            found[key] = Block(*key, figure.less_is_better, limit, [ours])
        if figure.theirs is not None:
            ratio = "" if figure.ratio is None else f" ({figure.ratio:.1f}{TIMES})"
            text = f"{number(figure.theirs)}{ratio}"
            found[key].bars.append(Strip(figure.peer, figure.theirs, text))
        elif figure.peer:
            found[key].bars.append(Strip(figure.peer, 0, "not measured"))
    return list(found.values())


def chart(figures: Sequence[Figure]) -> str:
    """The SVG."""
    parts: list[str] = []
    height = 64.0
    for block in blocks(figures):
        parts += _block(block, height)
        height += HEADING + STEP * len(block.bars) + GAP
    explained = "Medians of alternating runs on one machine; in brackets, how many times better"
    ground = f'width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}" role="img" aria-label="Figures of Callboard">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x=".5" y=".5" {ground}/>',
        _text(MARGIN, 32, "Callboard and others", "title"),
        _text(MARGIN, 52, f"{explained} Callboard is", "quiet"),
    )
    return "\n".join((*head, *parts, "</svg>", ""))


def _block(block: Block, top: float) -> Iterator[str]:
    about = f"{block.unit}, {'less' if block.less_is_better else 'more'} is better"
    if block.limit is not None:
        about += f"; the line is the goal, {block.limit:g}"
    quiet = f'<tspan class="quiet" dx="8">{escape(about)}</tspan>'
    yield f'<text class="work" x="{MARGIN}" y="{top + 16:.0f}">{escape(block.work)}{quiet}</text>'
    most = max((bar.value for bar in block.bars), default=0)
    scale = LONGEST / (max(most, block.limit or 0) or 1)
    first = top + HEADING
    for n, bar in enumerate(block.bars):
        y = first + n * STEP
        length = bar.value * scale
        kind = "ours" if bar.name == OURS else "theirs"
        yield _text(BARS_FROM - 10, y + 13, bar.name, "name")
        yield (
            f'<rect class="{kind}" x="{BARS_FROM}" y="{y:.0f}" width="{length:.1f}"'
            f' height="{BAR}" rx="2"/>'
        )
        beside = length
        if block.limit is not None and abs(block.limit * scale - length) < 60:
            beside = max(length, block.limit * scale)  # clear of the mark of the goal
        yield _text(BARS_FROM + beside + 8, y + 13, bar.text)
    if block.limit is not None:
        x = BARS_FROM + block.limit * scale
        end = first + STEP * len(block.bars) - (STEP - BAR)
        yield f'<path class="goal" d="M{x:.1f} {first - 3:.0f}V{end + 3:.0f}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'


def write_chart(figures: Sequence[Figure], path: Path) -> None:
    path.write_text(chart(figures))

"""All benchmarks, one after the other: a table, benchmarks/figures.json and docs/figures.svg.

`python -m benchmarks.bench` (or `make bench`). Each figure is the median of alternating runs.
`--quick` only sees that everything runs: its figures mean nothing, and are put into build/.
"""

import argparse
import sys
import time
from pathlib import Path

from benchmarks import connecting, fanout, importing, latency, pages
from benchmarks.chart import write_chart
from benchmarks.report import Figure, show, write_json

ROOT = Path(__file__).parent.parent

PARTS = {
    "fanout": fanout.figures,
    "connecting": connecting.figures,
    "latency": latency.figures,
    "pages": pages.figures,
    "importing": importing.figures,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure Callboard and its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, in turns")
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name in options.only or PARTS:
        begun = time.monotonic()
        figures += PARTS[name](2 if options.quick else options.rounds, options.quick)
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
        show(figures)  # all so far: a part that fails takes none of them along
    if options.quick or options.only:
        folder = ROOT / "build"
        folder.mkdir(exist_ok=True)
        write(figures, folder, folder)
    else:
        write(figures, ROOT / "benchmarks", ROOT / "docs")
    return 0


def write(figures: list[Figure], numbers: Path, pictures: Path) -> None:
    write_json(figures, numbers / "figures.json")
    write_chart(figures, pictures / "figures.svg")


if __name__ == "__main__":
    sys.exit(main())

"""Attack a server in each way that is known, and say whether it held.

`python -m benchmarks.attacks` takes minutes, `--quick` seconds. Exits with 1 if a row is not held.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.attacks.rows import Row, shown
from benchmarks.attacks.table import ATTACKS
from benchmarks.attacks.victim import Stage


async def attack(names: list[str], *, quick: bool) -> list[Row]:
    """Carry out the attacks, one after another."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="callboard-attacks-") as folder:
        async with Stage(Path(folder), quick=quick) as stage:
            for name in names:
                rows += await ATTACKS[name](stage)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.attacks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer of everything, in seconds")
    parser.add_argument("--only", choices=ATTACKS, action="append", metavar="NAME")
    options = parser.parse_args()
    rows = asyncio.run(attack(options.only or list(ATTACKS), quick=options.quick))
    print(shown(rows))
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

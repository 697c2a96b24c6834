"""The tables of docs/protocol.md."""

import re
from itertools import takewhile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"


def rows(section: str) -> list[list[str]]:
    """The cells of each row of the first table in a section, without its heading."""
    lines = re.split(rf"^##+ {section}$", PAGE.read_text(), flags=re.MULTILINE)[1].splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("|"))
    table = takewhile(lambda line: line.startswith("|"), lines[begin + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def closes(advice: str = "") -> list[int]:
    """The codes of closes after which a client should do what begins with `advice`."""
    found = [(codes, reconnect) for codes, *_, reconnect in rows("Close codes")]
    return sorted(
        {
            int(code)
            for codes, reconnect in found
            if reconnect.startswith(advice)
            for code in codes.split(", ")
        }
    )

"""Draws the workflow's table as a state diagram (Mermaid) into a Markdown file.

`python -m models.diagram docs/workflow.md` writes it between its two markers; with `--check` it
only says whether what stands there is what the table says.
"""

import sys
from pathlib import Path

from models.lifecycle import WORKFLOW, Happening, Rule, Trigger

BEGIN = "<!-- drawn from models/lifecycle.py by `make diagram` -->"
END = "<!-- end of the drawing -->"


def diagram() -> str:
    """The state diagram: one arrow for each pair of states, labelled with what leads along it."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(WORKFLOW))}"]
    for status, edges in WORKFLOW.items():
        arrows: dict[str, list[Trigger]] = {}
        for trigger, rule in edges.items():
            if isinstance(rule, Rule):
                arrows.setdefault(rule.to, []).append(trigger)
        for to, triggers in arrows.items():
            lines.append(f"    {status} --> {to}: {_label(triggers)}")
        if not arrows:
            lines.append(f"    {status} --> [*]")
    return "\n".join([*lines, "```"])


def _label(triggers: list[Trigger]) -> str:
    by_button: dict[str, list[str]] = {}
    for trigger in triggers:
        if isinstance(trigger, Happening):
            by_button.setdefault(trigger.value, [])
        else:
            outcome, button = trigger
            words = outcome.replace("_", " ").title()
            by_button.setdefault(button.value, []).append(words)
    parts = [f"{b} ({', '.join(words)})" if words else b for b, words in by_button.items()]
    return "<br/>".join(parts)


def redrawn(text: str) -> str:
    """`text` with the drawing between its markers made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


def main() -> int:
    """Redraw the file named on the command line, or check it. Returns the exit code."""
    path = Path(sys.argv[-1])
    text = path.read_text()
    if redrawn(text) == text:
        return 0
    if "--check" in sys.argv:
        sys.stderr.write(f"The diagram in {path} is not the workflow's; run: make diagram\n")
        return 1
    path.write_text(redrawn(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

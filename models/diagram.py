"""Draws the tables of the rules into Markdown files: the workflow as a state diagram (Mermaid), and
what each role may do.

`python -m models.diagram FILE...` writes each drawing between its two markers; with `--check` it
only says whether what stands there is what the tables say.
"""

import sys
from pathlib import Path

from models.lifecycle import WORKFLOW, Happening, Rule, Trigger
from models.roles import PERMISSIONS, Role

BEGIN = "<!-- drawn from models/lifecycle.py by `make diagram` -->"
BEGIN_ROLES = "<!-- drawn from models/roles.py by `make diagram` -->"
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


def permissions() -> str:
    """A Markdown table: a line for each action in the table of roles, a column for each role."""
    lines = [
        f"| may | {' | '.join(f'`{role}`' for role in Role)} |",
        "|---" * (len(Role) + 1) + "|",
    ]
    for action, grants in PERMISSIONS.items():
        cells = [grants[role].value if role in grants else "no" for role in Role]
        lines.append(f"| {' | '.join([action.value, *cells])} |")
    return "\n".join(lines)


_DRAWINGS = {BEGIN: diagram, BEGIN_ROLES: permissions}


def redrawn(text: str) -> str:
    """`text` with the drawings between its markers made anew."""
    for begin, draw in _DRAWINGS.items():
        if begin in text:
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(END)
            # Tools that format Markdown take a table for one only after an empty line.
            text = f"{before}{begin}\n\n{draw()}\n\n{END}{after}"
    return text


def main() -> int:
    """Redraw the files named on the command line, or check them. Returns the exit code."""
    code = 0
    for path in (Path(name) for name in sys.argv[1:] if name != "--check"):
        text = path.read_text()
        has_a_place = any(begin in text for begin in _DRAWINGS)
        if has_a_place and redrawn(text) == text:
            continue
        if "--check" in sys.argv or not has_a_place:
            sys.stderr.write(f"A drawing in {path} is not as the tables say; run: make diagram\n")
            code = 1
        else:
            path.write_text(redrawn(text))
    return code


if __name__ == "__main__":
    sys.exit(main())

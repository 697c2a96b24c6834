"""Writes the tables of the rules where others read them. Into Markdown files: the workflow as a
state diagram (Mermaid), and what each role may do. For the dashboard: the workflow as a module of
JavaScript.

`python -m models.diagram FILE...` writes each drawing between its two markers, and a file that ends
in .js as a whole; with `--check` it only says whether what stands there is what the tables say.
"""

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from models.appointment import AppointmentStatus
from models.contact_checks import MAX_NOTES
from models.contact_status import ContactStatus
from models.follow_up import MAX_FOLLOW_UP_YEARS
from models.lifecycle import (
    OPEN_STATUSES,
    WORKFLOW,
    Attempt,
    CloseCause,
    ContactOutcome,
    Rule,
    TaskStatus,
    Trigger,
    decide,
)
from models.refusals import RefusalCode
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
        if not status.is_open:
            lines.append(f"    {status} --> [*]")
    return "\n".join([*lines, "```"])


def _label(triggers: list[Trigger]) -> str:
    by_button: dict[str, list[str]] = {}
    for trigger in triggers:
        if not isinstance(trigger, tuple):
            by_button.setdefault(trigger.value, [])
        else:
            outcome, button = trigger
            by_button.setdefault(button.value, []).append(outcome.label)
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


KNOWN = (
    RefusalCode.FOLLOW_UP_IN_PAST,
    RefusalCode.FOLLOW_UP_AFTER_EXPIRY,
    RefusalCode.FOLLOW_UP_TOO_FAR,
    RefusalCode.TASK_CLOSED,
    RefusalCode.VERSION_CONFLICT,
    RefusalCode.CLAIMED_BY_OTHER,
)
"""The codes for which the page has words of its own, or none: all of them would be half the module,
which each page loads."""


def module() -> str:
    """The workflow as a module of JavaScript: what the dashboard has to know of it."""
    contents: list[tuple[str, str, object]] = [
        ("Statuses, as people read them.", "STATUSES", {s: s.label for s in TaskStatus}),
        ("Statuses of a task that is on the work list.", "OPEN_STATUSES", OPEN_STATUSES),
        ("Outcomes, as people read them.", "OUTCOMES", {o: o.label for o in ContactOutcome}),
        (
            "The same by the fields that count them in an activity report.",
            "OUTCOME_COUNTS",
            {camel_case(outcome): outcome.label for outcome in ContactOutcome},
        ),
        (
            "What each button needs for an outcome: why an empty form is refused, by input, or why"
            "\n// any form is (refused). An outcome that needs no follow-up date takes none.",
            "NEEDS",
            {
                "log": {outcome: _needs(outcome, close=False) for outcome in ContactOutcome},
                "close": {outcome: _needs(outcome, close=True) for outcome in ContactOutcome},
            },
        ),
        ("Causes of a close, as people read them.", "CAUSES", {c: c.label for c in CloseCause}),
        (
            "Whether a patient may be called, as people read it.",
            "CONTACT_STATUSES",
            {status: status.label for status in ContactStatus},
        ),
        (
            "The status of an appointment that is to come.",
            "BOOKED",
            AppointmentStatus.SCHEDULED.value,
        ),
        ("Codes of refusals that the page has to know.", "CODES", {c: c.value for c in KNOWN}),
        ("Longest notes of a contact, in characters.", "MAX_NOTES", MAX_NOTES),
        ("How far ahead a follow-up may be.", "MAX_FOLLOW_UP_YEARS", MAX_FOLLOW_UP_YEARS),
    ]
    parts = [
        f"// {what}\nexport const {name} = {_script(value)};" for what, name, value in contents
    ]
    return "\n\n".join(["// Written from models/lifecycle.py by `make diagram`.", *parts, ""])


def _needs(outcome: ContactOutcome, *, close: bool) -> dict[str, str]:
    empty = Attempt(outcome, None, None, close)
    decided = decide(TaskStatus.OPEN, empty, today=date.min, last_day=None)
    if isinstance(decided, Rule):
        return {}
    inputs = ("followUp", "notes")
    return {r.field if r.field in inputs else "refused": r.message for r in decided}


def camel_case(code: str) -> str:
    """The name of an outcome as fields of the API have it."""
    first, *others = code.lower().split("_")
    return "".join([first, *map(str.capitalize, others)])


def _script(value: object, indent: str = "") -> str:
    """A value in JavaScript, each member of an object on a line."""
    if isinstance(value, Mapping):
        inner = f"{indent}  "
        lines = [f"{inner}{name}: {_script(member, inner)},\n" for name, member in value.items()]
        return "{\n" + "".join(lines) + indent + "}" if lines else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_script, value))}]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"{value:_}"


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
        is_script = path.suffix == ".js"
        has_a_place = is_script or any(begin in text for begin in _DRAWINGS)
        wanted = module() if is_script else redrawn(text)
        if has_a_place and wanted == text:
            continue
        if "--check" in sys.argv or not has_a_place:
            sys.stderr.write(f"{path} is not as the tables say; run: make diagram\n")
            code = 1
        else:
            path.write_text(wanted)
    return code


if __name__ == "__main__":
    sys.exit(main())

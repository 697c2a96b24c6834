"""The drawing in docs/workflow.md is the workflow's; so are the tables there and in the README, and
the dashboard's module."""

import re
import sys
from pathlib import Path

import pytest

from models.diagram import BEGIN, BEGIN_ROLES, END, main
from models.lifecycle import WORKFLOW, Button, ContactOutcome, Rule, TaskStatus
from models.refusals import Refusal

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "workflow.md"
ROLES = ROOT / "docs" / "clients.md"
SCRIPT = ROOT / "gql_app" / "web" / "dashboard" / "workflow.js"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["models.diagram", *map(str, arguments)])
    return main()


def test_the_page_draws_each_edge_of_the_table_and_no_other() -> None:
    drawing = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    drawn = {
        (a, b): label
        for a, b, label in re.findall(r"^ +(\w+) --> (\w+): (.+)$", drawing, re.MULTILINE)
    }
    table = {
        (status, rule.to): trigger
        for status, edges in WORKFLOW.items()
        for trigger, rule in edges.items()
        if isinstance(rule, Rule)
    }

    assert drawn.keys() == table.keys()
    assert "Did Not Schedule" in drawn[TaskStatus.OPEN, TaskStatus.IN_PROGRESS]
    assert "Scheduled" not in drawn[TaskStatus.OPEN, TaskStatus.IN_PROGRESS].replace(
        "Did Not Schedule", ""
    )
    assert drawn["IN_PROGRESS", "CLOSED"].endswith(
        "Expiry<br/>Appointment booked<br/>Withdrawn<br/>Do not contact<br/>Maximum of attempts"
    )
    assert re.search(r"^ +CLOSED --> \[\*\]$", drawing, re.MULTILINE)


def test_the_pages_pass_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "--check", PAGE, ROLES, SCRIPT) == 0


def test_the_roles_are_drawn_as_what_each_may_do() -> None:
    drawing = ROLES.read_text().partition(BEGIN_ROLES)[2].partition(END)[0]
    assert "| may | `STAFF` | `SUPERVISOR` | `ADMIN` | `PARTNER` |" in drawing
    assert "| read notes | yes | yes | yes | no |" in drawing
    created = "| create tasks and record appointments | no | yes | yes | if the key says so |"
    assert created in drawing


def test_a_changed_table_of_roles_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / ROLES.name
    copy.write_text(ROLES.read_text().replace("| read notes | yes | yes | yes | no |", ""))
    assert run(monkeypatch, "--check", PAGE, copy) == 1


@pytest.mark.parametrize(
    "old", ["  SCHEDULED: 'Scheduled',\n", "MAX_NOTES = 10_000", "TASK_CLOSED"]
)
def test_a_changed_module_fails_the_check_and_is_written_anew(
    old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / SCRIPT.name
    copy.write_text(SCRIPT.read_text().replace(old, "", 1))
    assert run(monkeypatch, "--check", copy) == 1
    assert copy.read_text() != SCRIPT.read_text()
    assert run(monkeypatch, copy) == 0
    assert copy.read_text() == SCRIPT.read_text()


@pytest.mark.parametrize(
    ("old", "new"), [("No Answer, ", ""), ("<br/>Expiry", ""), (BEGIN, "<!-- lost -->")]
)
def test_a_changed_drawing_fails_the_check_and_is_left_alone(
    old: str,
    new: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = PAGE.read_text().replace(old, new, 1)
    copy = tmp_path / PAGE.name
    copy.write_text(changed)

    assert run(monkeypatch, "--check", copy) == 1
    assert "make diagram" in capsys.readouterr().err
    assert copy.read_text() == changed


def test_drawing_anew_mends_the_drawing_and_touches_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / PAGE.name
    copy.write_text(f"before\n{PAGE.read_text()}after\n".replace("Left Message", "Left"))

    assert run(monkeypatch, copy) == 0
    assert copy.read_text() == f"before\n{PAGE.read_text()}after\n"


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
@pytest.mark.parametrize("status", [TaskStatus.OPEN, TaskStatus.IN_PROGRESS])
def test_the_table_says_of_each_outcome_and_button_what_the_workflow_does(
    page: Path, status: TaskStatus
) -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \|$", page.read_text(), re.MULTILINE)
    said = {outcome: cells for outcome, *cells in rows if outcome in set(ContactOutcome)}

    assert said == {
        outcome: [in_words(WORKFLOW[status][outcome, button]) for button in Button]
        for outcome in ContactOutcome
    }


def in_words(rule: Rule | Refusal) -> str:
    if isinstance(rule, Refusal):
        return f"refused: `{rule.code}`"
    needs = ["follow-up required"] if rule.follow_up else []
    needs.append("notes required" if rule.notes else "notes optional")
    return f"{', '.join(needs)} → `{rule.to}`"

"""A fifth outcome, added to the workflow's table alone: nothing drops it in silence."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import models.lifecycle

ADD = """
import json, sys, types
import models

source = sys.stdin.read()
for old, new in {
    '    SCHEDULED = "SCHEDULED"': '    WRONG_NUMBER = "WRONG_NUMBER"',
    "    Happening.EXPIRY: _EXPIRED,":
        "    (ContactOutcome.WRONG_NUMBER, Button.LOG_CONTACT): _AGAIN_WITH_REASON,\\n"
        "    (ContactOutcome.WRONG_NUMBER, Button.LOG_AND_CLOSE): _DONE,",
}.items():
    assert old in source
    source = source.replace(old, f"{new}\\n{old}")
changed = models.lifecycle = sys.modules["models.lifecycle"] = types.ModuleType("models.lifecycle")
exec(source, vars(changed))

from gql_app.commands.demo.sample import notes_on, outcomes
from models.diagram import diagram, module

new = changed.ContactOutcome.WRONG_NUMBER
said = {
    "diagram": diagram(),
    "module": module(),
    "demo": [new in outcomes(close=close) and notes_on(new) for close in (False, True)],
}
try:
    import gql_app.work.reports.activity
except TypeError as error:
    said["activity"] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What is made of a table with the outcome WRONG_NUMBER."""
    source = Path(models.lifecycle.__file__).read_text()
    ran = subprocess.run(
        [sys.executable, "-c", ADD], input=source, capture_output=True, text=True, check=True
    )
    read: dict[str, Any] = json.loads(ran.stdout)
    return read


def test_it_is_drawn(said: dict[str, Any]) -> None:
    assert said["diagram"].count("Wrong Number") == 4


def test_the_dashboard_gets_its_label_its_count_and_what_it_needs(said: dict[str, Any]) -> None:
    lines = [line.strip() for line in said["module"].splitlines()]
    assert "WRONG_NUMBER: 'Wrong Number'," in lines
    assert "wrongNumber: 'Wrong Number'," in lines
    needs = lines.index("WRONG_NUMBER: {")
    assert [line.partition(":")[0] for line in lines[needs + 1 : needs + 3]] == [
        "followUp",
        "notes",
    ]
    assert "WRONG_NUMBER: {}," in lines


def test_no_server_starts_whose_reports_would_not_count_it(said: dict[str, Any]) -> None:
    assert "ContactCounts" in said["activity"]
    assert "wrong_number" in said["activity"]


def test_the_sample_practice_uses_it_with_some_notes(said: dict[str, Any]) -> None:
    assert all(said["demo"])

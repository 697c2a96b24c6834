"""deploy/: systemd takes the units as they are."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flows.commands import COMMAND

DEPLOY = Path(__file__).parents[2] / "deploy"
INSTALLED = "/opt/callboard/.venv/bin/callboard"
UNITS = {
    "callboard.service": "callboard.service",
    "callboard@.service": "callboard@8001.service",
    "callboard-backup.service": "callboard-backup.service",
    "callboard-backup.timer": "callboard-backup.timer",
}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not there; on Debian: apt-get install systemd",
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    assert {path.name for path in DEPLOY.glob("*.service")} | {
        path.name for path in DEPLOY.glob("*.timer")
    } == UNITS.keys()
    for name, instance in UNITS.items():
        text = (DEPLOY / name).read_text().replace(INSTALLED, COMMAND)
        for copy in {name, instance}:
            (tmp_path / copy).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in UNITS.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in checked.stderr.splitlines() if "callboard" in line]
    assert (checked.returncode, ours) == (0, [])

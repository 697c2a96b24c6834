"""npm packages that a test needs, installed for this run from the lock beside them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNREACHABLE = re.compile(r"EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|ENETUNREACH")


def install(source: Path, folder: Path) -> Path:
    """Copy `source`, a folder with package-lock.json, to `folder` and install what it locks."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not there")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip("npm's registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder

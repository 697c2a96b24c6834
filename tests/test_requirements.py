"""What `make` installs: of each package one version that pyproject.toml allows, by its hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

WANTED = {
    "run": PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"],
    "test": PROJECT["project"]["dependencies"]
    + PROJECT["project"]["optional-dependencies"]["test"],
    "docs": PROJECT["project"]["optional-dependencies"]["docs"],
    "redis-server": [],
}
LINE = re.compile(r"([a-z0-9.-]+)==([^ ;]+)( ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def locked(name: str) -> dict[str, set[Version]]:
    """The versions in a file: one of each package, or one for each range of Pythons."""
    found: dict[str, set[Version]] = {}
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if match := LINE.fullmatch(line):
            found.setdefault(match[1], set()).add(Version(match[2]))
        else:  # nothing else: no address of an index, and no package without a hash
            assert HASH.fullmatch(line), line
    return found


@pytest.mark.parametrize("name", WANTED)
def test_every_dependency_is_locked_at_a_version_that_the_project_allows(name: str) -> None:
    versions = locked(name)
    assert versions
    for text in WANTED[name]:
        wanted = Requirement(text)
        found = versions.get(wanted.name.lower())
        assert found, f"{text} is not in requirements/{name}.txt: run make lock"
        assert all(version in wanted.specifier for version in found), text


def test_what_is_tested_is_what_is_served() -> None:
    tested = locked("test")
    assert {name: tested[name] for name in locked("run")} == locked("run")

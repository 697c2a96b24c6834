"""Every write goes through the runner of changes."""

import ast
from pathlib import Path

import gql_app

SOURCE = Path(gql_app.__file__).parent


def opens_transactions(module: Path) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("models.database")
        and any(alias.name in ("transaction", "connection") for alias in node.names)
        for node in ast.walk(ast.parse(module.read_text()))
    )


def test_only_the_runner_of_changes_opens_a_transaction() -> None:
    found = [
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if opens_transactions(path)
    ]
    assert found == ["work/changes.py"]

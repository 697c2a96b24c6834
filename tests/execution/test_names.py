"""execution/ works for any schema: it has no name of a type, a field or an argument of ours."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
)

from gql_app import execution
from gql_app.schema import build_schema

FOLDER = Path(execution.__file__).parent

NOT_OURS = {
    "Node",  # a class of graphql-core's syntax trees
    "Int", "String", "Boolean", "ID", "Float", "Query", "skip",
    "code", "message", "field", "name", "rows", "value", "link", "Key",
}  # fmt: skip
"""Words that GraphQL, its errors and Python use as well."""


def schema_names() -> set[str]:
    names = set()
    for name, known in build_schema()._schema.type_map.items():
        if is_introspection_type(known):
            continue
        names.add(name)
        if is_object_type(known) or is_interface_type(known) or is_input_object_type(known):
            names |= set(known.fields)
            if not is_input_object_type(known):
                names |= {argument for field in known.fields.values() for argument in field.args}
        elif is_enum_type(known):
            names |= set(known.values)
    return names


def words(source: str) -> Iterator[str]:
    """Each text that is a word as a whole, and each word that nobody would write by chance: with a
    capital in it, in the code or in a comment."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    yield from re.findall(r"\b(?:[a-z]+[A-Z]|[A-Z][a-z])\w*\b", source)


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_execution_has_no_name_of_the_schema(module: Path) -> None:
    assert set(words(module.read_text())) & (schema_names() - NOT_OURS) == set()

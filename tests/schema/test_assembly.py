"""The schema is assembled from the modules of its features: none is left out."""

import importlib
import pkgutil

import pytest

from gql_app import schema


@pytest.mark.parametrize(
    ("name", "root"), [("Queries", schema.Query), ("Mutations", schema.Mutation)]
)
def test_the_root_fields_of_each_module_are_attached(name: str, root: type) -> None:
    names = [module.name for module in pkgutil.iter_modules(schema.__path__)]
    modules = [importlib.import_module(f"gql_app.schema.{each}") for each in names]
    there = {getattr(module, name) for module in modules if hasattr(module, name)}
    assert len(there) >= 6
    assert there == set(root.__bases__)

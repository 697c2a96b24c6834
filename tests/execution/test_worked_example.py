"""docs/architecture.md shows the code that a selection becomes. It is the code that is made."""

import re
from pathlib import Path

from graphql import GraphQLObjectType, get_named_type, is_object_type, parse
from graphql.execution.collect_fields import FieldDetailsList, collect_fields

from gql_app.execution.compiled import CompiledExecutor
from gql_app.execution.plans import compile_object
from gql_app.execution.source import Plan
from gql_app.schema import build_schema

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def plan_of(document: str) -> Plan:
    """The plan of the objects that the only field of a document shows."""
    schema = build_schema()._schema
    executor = CompiledExecutor.build(schema, parse(document))
    root = schema.query_type
    assert isinstance(executor, CompiledExecutor)
    assert root is not None
    collected = collect_fields(
        schema, executor.fragments, executor.variable_values, root, executor.operation
    )
    ((name, details),) = collected.grouped_field_set.items()
    shown = get_named_type(root.fields[name].type)
    assert is_object_type(shown)

    def collect(of: GraphQLObjectType, own: FieldDetailsList) -> dict[str, FieldDetailsList]:
        return executor.collect_subfields(of, own).grouped_field_set

    return compile_object(shown, details, collect)


def test_the_code_in_the_docs_is_what_the_selection_becomes() -> None:
    section = PAGE.read_text().partition("## What a selection becomes")[2]
    document = re.search(r"```graphql\n(.*?)```", section, re.DOTALL)
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert document is not None
    assert code is not None
    assert plan_of(document[1]).text_of_one().split("\n") == code[1].rstrip("\n").split("\n")

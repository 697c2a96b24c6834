"""What Callboard reads of Strawberry without a public name is still there, and means the same.

A test that fails here after an upgrade says which name has moved.
"""

from pathlib import Path
from typing import Any

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema

import gql_app
from gql_app.execution.strawberry_private import (
    core_info,
    core_schema,
    field_behind,
    function_of,
    info_of,
    schema_behind,
)


def shown(parent: strawberry.Parent[Any], info: strawberry.Info[Any, Any]) -> str:
    return f"{parent} of {info.context}"


@strawberry.type
class Query:
    field = strawberry.field(resolver=shown, metadata={"key": "value"})

    @strawberry.field
    def path(self, info: strawberry.Info[Any, Any]) -> str:
        raw = core_info(info)
        field: Any = strawberry.field(resolver=shown)
        again = info_of(raw, field)
        assert again.context is info.context
        assert raw.schema is core_schema(info.schema)
        return f"{raw.field_name} {again.path.key} {raw.operation.operation.value}"


SCHEMA = strawberry.Schema(query=Query)


def test_private_attributes_are_read_in_the_sealed_modules_only() -> None:
    files = Path(gql_app.__file__).parent.rglob("*.py")
    assert [file.name for file in files if "SLF001" in file.read_text()] == []


def test_a_schema_of_strawberry_and_that_of_graphql_core_lead_to_each_other() -> None:
    core = core_schema(SCHEMA)
    assert isinstance(core, GraphQLSchema)
    assert schema_behind(core) is SCHEMA


def test_a_field_has_its_metadata_and_its_function_behind_it() -> None:
    query = core_schema(SCHEMA).query_type
    assert query is not None
    field = field_behind(query.fields["field"])
    assert field is not None
    assert field.metadata == {"key": "value"}
    assert field.base_resolver is not None
    assert function_of(field.base_resolver) is shown


def test_a_field_of_graphql_cores_own_has_none_behind_it() -> None:
    introspected = core_schema(SCHEMA).type_map["__Schema"]
    assert isinstance(introspected, GraphQLObjectType)
    assert field_behind(introspected.fields["types"]) is None


def test_an_info_leads_to_what_graphql_core_tells_a_resolver_and_back() -> None:
    answer = SCHEMA.execute_sync("{ alias: path }", context_value="a context")
    assert answer.data == {"alias": "path alias query"}, answer.errors

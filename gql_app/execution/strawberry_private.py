"""What Callboard reads of Strawberry that has no public name. No other module reads it.

tests/execution/test_strawberry_private.py fails if an upgrade moves one of these.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLError, GraphQLField, GraphQLResolveInfo, GraphQLSchema
from graphql.utilities import coerce_input_value, validate_input_value
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_argument
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

Input = TypeVar("Input")

_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The schema that graphql-core executes on."""
    return schema._schema


def schema_behind(core: GraphQLSchema) -> Any:
    """The schema of Strawberry that graphql-core's was made from."""
    return core.extensions[_DEFINITION]


def field_behind(core: GraphQLField) -> StrawberryField | None:
    """The field of Strawberry that graphql-core's was made from; None for one of graphql-core's
    own, such as `__schema`."""
    found = (core.extensions or {}).get(_DEFINITION)
    return found if isinstance(found, StrawberryField) else None


def core_info(info: strawberry.Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    """What graphql-core tells a resolver. `Info.selected_fields` costs more than it saves."""
    return info._raw_info


def info_of(core: GraphQLResolveInfo[Any], field: StrawberryField) -> strawberry.Info[Any, Any]:
    """What a resolver of the field gets."""
    return strawberry.Info(_raw_info=core, _field=field)


def read_input(schema: strawberry.Schema, kind: type[Input], value: object) -> Input | str:
    """The input type's object for a value that came as JSON, by the same rules as in a document; or
    what is wrong with the value."""
    core = core_schema(schema)
    named: Any = core.get_type(kind.__name__)
    wrong: list[str] = []

    def note(error: GraphQLError, path: list[str | int]) -> None:
        wrong.append(": ".join(filter(None, (".".join(map(str, path)), error.message))))

    validate_input_value(value, named, note, hide_suggestions=True)
    if wrong:
        return wrong[0]
    coerced = coerce_input_value(value, named)
    registry = schema.schema_converter.scalar_registry
    made: Any = convert_argument(coerced, kind, registry, schema.config)
    return cast("Input", made)


def function_of(resolver: StrawberryResolver[Any]) -> Callable[..., Any]:
    """The function that Strawberry calls with a row and an info."""
    return resolver._unbound_wrapped_func

"""A null argument counts as not given, wherever there is a default.

Clients with optional values send null for those that they leave out. So an argument with a default
may be null, in the schema as well, and the default is used.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLSchema,
    Undefined,
    is_input_object_type,
    is_interface_type,
    is_non_null_type,
    is_object_type,
)


def let_nulls_be_defaults(schema: GraphQLSchema) -> None:
    """Change the schema's arguments and input fields that have a default."""
    for named in schema.type_map.values():
        if is_input_object_type(named):
            if names := _widened(named.fields):
                named.out_type = _without_nulls(named.out_type, names)  # type: ignore
        elif is_object_type(named) or is_interface_type(named):
            for field in named.fields.values():
                if names := _widened(field.args):
                    assert field.resolve is not None
                    field.resolve = _resolved_without_nulls(field.resolve, names)


def _widened(inputs: Mapping[str, GraphQLArgument | GraphQLInputField]) -> frozenset[str]:
    """Let those that have a default be null, and return their names."""
    names = set()
    for name, each in inputs.items():
        if each.default_value is not None and each.default_value is not Undefined:
            if is_non_null_type(each.type):
                each.type = each.type.of_type
            names.add(each.out_name or name)
    return frozenset(names)


def _without_nulls(
    made: Callable[[dict[str, Any]], Any], names: frozenset[str]
) -> Callable[[dict[str, Any]], Any]:
    return lambda values: made(_given(values, names))


def _resolved_without_nulls(
    resolve: Callable[..., Any], names: frozenset[str]
) -> Callable[..., Any]:
    return lambda source, info, **values: resolve(source, info, **_given(values, names))


def _given(values: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The values without the nulls for which Python has a default."""
    return {name: v for name, v in values.items() if v is not None or name not in names}

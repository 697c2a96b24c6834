"""Documents made from the schema: a root field with all its arguments, asking for all that there is
below it, so that what is new in the schema is walked over without being named in a test."""

from functools import cache
from typing import Any

from graphql import (
    GraphQLSyntaxError,
    Undefined,
    ast_from_value,
    get_named_type,
    is_leaf_type,
    is_object_type,
    is_union_type,
    parse,
    print_ast,
)

from gql_app.execution.limits import MAX_TOKENS, TooComplex
from gql_app.execution.strawberry_private import core_schema
from gql_app.schema import build_schema
from tests.execution.measuring import check

SCHEMA = core_schema(build_schema())
DEEPEST = 5
"""Objects within objects, as far as the server's own limits allow."""
PAGE = 5
ROOT_PAGE = 100
"""Rows of the root field at most: with all below them, no more than may be asked for."""


def root_fields(kind: str) -> set[str]:
    """The names of the fields of `query`, `mutation` or `subscription`."""
    return set(getattr(SCHEMA, f"{kind}_type").fields)


@cache
def document(kind: str, name: str) -> str:
    """An operation on one root field, each of its arguments a variable of the same name."""
    field = getattr(SCHEMA, f"{kind}_type").fields[name]
    declared = ", ".join(_declared(argument, given) for argument, given in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    head = f"{kind} ({declared}) {{ {name}({passed})" if declared else f"{kind} {{ {name}"
    for depth in range(DEEPEST, 0, -1):
        made = f"{head} {_selection(field.type, depth)} }}"
        try:
            parsed = parse(made, max_tokens=MAX_TOKENS)
            check(SCHEMA, parsed, {"first": ROOT_PAGE})
        except (TooComplex, GraphQLSyntaxError):
            continue
        return made
    raise AssertionError(f"No document asks for {name}.")


def _declared(name: str, argument: Any) -> str:
    default = argument.default_value
    if default is None or default is Undefined:
        return f"${name}: {argument.type}"
    literal = ast_from_value(default, argument.type)
    assert literal is not None
    return f"${name}: {argument.type} = {print_ast(literal)}"


def _selection(of_type: Any, depth: int) -> str:
    named = get_named_type(of_type)
    if is_leaf_type(named):
        return ""
    if depth == 0:
        return "{ __typename }"
    if is_object_type(named):
        return _fields(named, depth, {})
    kinds = named.types if is_union_type(named) else SCHEMA.get_possible_types(named)
    parts = (f"... on {kind.name} {_fields(kind, depth, _aliases(kind, kinds))}" for kind in kinds)
    return "{ __typename " + " ".join(parts) + " }"


def _fields(kind: Any, depth: int, aliases: dict[str, str]) -> str:
    fields = ((aliases.get(name, ""), _field(name, f, depth)) for name, f in kind.fields.items())
    return "{ __typename " + " ".join(alias + field for alias, field in fields if field) + " }"


def _aliases(kind: Any, kinds: Any) -> dict[str, str]:
    """What the fields of a kind are called that are of another type in another kind."""
    return {
        name: f"{name}Of{kind.name}: "
        for name, field in kind.fields.items()
        if is_leaf_type(get_named_type(field.type))
        and any(name in k.fields and k.fields[name].type != field.type for k in kinds)
    }


def _field(name: str, field: Any, depth: int) -> str:
    if name in ("edges", "now"):  # the same rows as `nodes`, and what no two answers have alike
        return ""
    if depth == 1 and not is_leaf_type(get_named_type(field.type)):
        return ""
    page = f"(first: {PAGE})" if "first" in field.args else ""
    return f"{name}{page} {_selection(field.type, depth - 1)}"

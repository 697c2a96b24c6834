"""What a shared subscription may show hangs on the scope of those who watch, not on one of them."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_object_type

from gql_app.access import Scope, Viewer
from gql_app.execution.sharing import shared_fields
from gql_app.schema import build_schema
from gql_app.schema.context import Context, Info, SharedContext, SharedInfo
from tests.office import Office

STRAWBERRY = build_schema()
SCHEMA = STRAWBERRY._schema


def resolvers(parent: GraphQLObjectType, names: Any, seen: set[str]) -> Iterator[tuple[str, Any]]:
    """The functions behind these fields of a type, and behind all that can be selected in them."""
    for name in names:
        field = parent.fields[name]
        resolver = field.extensions["strawberry-definition"].base_resolver
        if resolver is not None:
            yield f"{parent.name}.{name}", resolver.wrapped_func
        shown = get_named_type(field.type)
        possible = SCHEMA.get_possible_types(shown) if is_abstract_type(shown) else [shown]
        for each in possible:
            if is_object_type(each) and each.name not in seen:
                seen.add(each.name)
                yield from resolvers(each, each.fields, seen)


def test_no_field_that_a_shared_subscription_may_show_is_handed_a_viewer() -> None:
    root = SCHEMA.subscription_type
    assert root is not None
    shared = shared_fields(STRAWBERRY)
    assert shared.keys() == {"taskStatusChanged", "queueFeed"}
    seen: set[str] = set()
    given = {
        place: {p.annotation for p in inspect.signature(function).parameters.values()}
        for place, function in resolvers(root, shared, seen)
    }
    assert {"Task", "Patient", "Contact", "Queue", "TaskConnection", "Heartbeat"} <= seen
    assert [place for place, annotations in given.items() if Info in annotations] == []
    assert sum(SharedInfo in annotations for annotations in given.values()) >= 12


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_scope_has_nothing_by_which_its_viewer_could_be_told(office: Office) -> None:
    scope = office.staff.scope
    assert type(scope) is Scope
    personal = set(Viewer.__dataclass_fields__) - set(Scope.__dataclass_fields__)
    assert personal == {"key_id", "staff_id", "name", "may_create_tasks", "expires_at", "home"}
    assert [name for name in personal if hasattr(scope, name)] == []
    services: Any = type("Services", (), {"clock": office.clock})
    context = Context(office.staff, services)
    assert type(context.scope) is type(SharedContext(scope, services).scope) is Scope
    assert not hasattr(SharedContext(scope, services), "viewer")

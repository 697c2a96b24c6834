"""The GraphQL schema. Each feature has a module with its types, its queries and its mutations.

This file only assembles them. A root field is a method of `Queries` or `Mutations` in its module;
they stand here in the order of schema.graphql.
"""

from datetime import date, datetime, time

from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from gql_app.execution.compiled import CompiledExecutor
from gql_app.execution.documents import Documents
from gql_app.execution.memory import Schema
from gql_app.execution.strawberry_private import core_schema
from gql_app.schema import (
    account,
    activity,
    appointments,
    audit,
    calls,
    claims,
    contact_status,
    contacts,
    events,
    guarantors,
    import_jobs,
    imports,
    keys,
    moves,
    node,
    patient_changes,
    patients,
    people,
    postponing,
    practices,
    priorities,
    queues,
    reviewing,
    tasks,
    viewer,
)
from gql_app.schema.call_backs import LOCAL_TIME
from gql_app.schema.connections import PAGES
from gql_app.schema.moments import DATE, DATE_TIME
from gql_app.schema.nulls import let_nulls_be_defaults
from gql_app.schema.subscriptions import Subscription

Query = merge_types(
    "Query",
    (
        viewer.Queries,
        queues.Queries,
        tasks.Queries,
        patients.Queries,
        events.Queries,
        activity.Queries,
        audit.Queries,
        people.Queries,
        keys.Queries,
        import_jobs.Queries,
        practices.Queries,
        node.Queries,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        calls.Mutations,
        contacts.Mutations,
        postponing.Mutations,
        reviewing.Mutations,
        contact_status.Mutations,
        claims.Mutations,
        tasks.Mutations,
        imports.Mutations,
        import_jobs.Mutations,
        appointments.Mutations,
        moves.Mutations,
        priorities.Mutations,
        account.Mutations,
        people.Mutations,
        keys.Mutations,
        practices.Mutations,
        patient_changes.Mutations,
        guarantors.Mutations,
    ),
)


def build_schema(*, introspection: bool = True) -> Schema:
    """The schema with its limits and a memory of its own. Without `introspection` it does not tell
    what it has, nor what a client may have meant."""
    schema: Schema = Schema(
        introspection=introspection,
        sensitive=frozenset({"notes", "givenReason", "contactStatusReason"}),
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[lambda: Documents(schema.memory.documents, PAGES)],
        execution_context_class=CompiledExecutor,
        config=StrawberryConfig(scalar_map={date: DATE, datetime: DATE_TIME, time: LOCAL_TIME}),
    )
    let_nulls_be_defaults(core_schema(schema))
    return schema


def schema_text() -> str:
    """The schema as schema.graphql keeps it."""
    return print_schema(build_schema()) + "\n"

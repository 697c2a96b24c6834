"""All that is measured of a document before it is validated, without what is remembered of it."""

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, GraphQLSchema, get_operation_ast

from gql_app.execution.cost import NOTHING, Cost, cost_of
from gql_app.execution.limits import check_shape
from gql_app.execution.variables import coerced, deciding
from gql_app.schema.connections import PAGES


def check(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: Mapping[str, Any],
    operation_name: str | None = None,
) -> Cost:
    """What the operation that is run costs. Raises `TooComplex` if it, or the document, is over a
    limit."""
    check_shape(document)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return NOTHING
    values = coerced(schema, operation, deciding(document, PAGES.size), variables)
    return NOTHING if values is None else cost_of(schema, document, operation, values, PAGES)

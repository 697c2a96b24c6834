"""All that is measured of a document before it is validated, without what is remembered of it."""

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, GraphQLSchema, get_operation_ast

from gql_app.execution.limits import check_shape
from gql_app.execution.rows import check_rows, coerced, deciding
from gql_app.schema.connections import PAGES


def check(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: Mapping[str, Any],
    operation_name: str | None = None,
) -> None:
    """Raise `TooComplex` if the document, or the operation that is run, is over a limit."""
    check_shape(document)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return
    values = coerced(schema, operation, deciding(document, PAGES), variables)
    if values is not None:
        check_rows(schema, document, operation, values, PAGES)

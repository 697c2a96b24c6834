"""Documents, each parsed, measured and validated once however often it is sent."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    GraphQLSyntaxError,
    parse,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.schema.schema import validate_document

from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import MAX_TOKENS, TooComplex, check
from gql_app.execution.memory import Known


class Documents(SchemaExtension):
    """Stands in for Strawberry's caches, whose key is the hash of all nodes of a document, and for
    its limiters. `known` is what is remembered of documents. A page larger than `largest_page` is
    measured as one of that size: it is refused by name when it is read."""

    def __init__(self, known: Bounded[str, Known], largest_page: int) -> None:
        self._known = known
        self._largest_page = largest_page

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        known = self._find(context.query or "")
        # Strawberry would run the first one: a mutation, perhaps, that nobody chose.
        named = context._provided_operation_name  # noqa: SLF001 - told nowhere else
        if named is None and known.operations > 1:
            raise CannotGetOperationTypeError(None)
        variables = context.variables or {}
        numbers = tuple((k, v) for k, v in variables.items() if type(v) is int)
        if numbers not in known.passed:
            schema = context.schema._schema  # noqa: SLF001 - likewise
            check(schema, known.document, variables, self._largest_page)
            known.passed.add(numbers, None)
        context.graphql_document = known.document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        known = self._find(context.query or "")
        if known.errors is None:
            schema = context.schema._schema  # noqa: SLF001 - likewise
            known.errors = validate_document(schema, known.document, context.validation_rules)
        context.pre_execution_errors = list(known.errors)
        yield

    def _find(self, query: str) -> Known:
        known = self._known.get(query)
        if known is None:
            known = Known(_parsed(query))
            self._known.add(query, known)
        return known


def _parsed(query: str) -> DocumentNode:
    try:
        return parse(query, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        if error.message.endswith(f"{MAX_TOKENS} tokens. Parsing aborted."):
            raise TooComplex("tokens", f"over {MAX_TOKENS:,}", MAX_TOKENS) from None
        raise

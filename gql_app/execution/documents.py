"""Parses, measures and validates each document once, however often it is sent."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    IntValueNode,
    NoSchemaIntrospectionCustomRule,
    Visitor,
    get_operation_ast,
    parse,
    visit,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.schema.schema import validate_document

from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import MAX_TOKENS, TooComplex, check_shape, is_remembered
from gql_app.execution.memory import Known, Schema
from gql_app.execution.rows import Pages, check_rows, coerced, deciding
from gql_app.execution.strawberry_private import core_schema

MAX_DIGITS = 1_000
"""Most digits of a number in a document. Python reads 4,300 at most by default."""

_LONG_NUMBER = re.compile(rf"\d{{{MAX_DIGITS}}}")


class Documents(SchemaExtension):
    """Takes the place of Strawberry's caches, whose key is the hash of all nodes of a document, and
    of its limiters. `known` is what is remembered of documents; `pages` is how lists are paged."""

    def __init__(self, known: Bounded[str, Known], pages: Pages) -> None:
        self._known = known
        self._pages = pages
        self._long: Known | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        known = self._find(context.query or "")
        # Strawberry would run the first one: a mutation, perhaps, that nobody chose.
        name = context.operation_name  # once there is a document, it may be the first one's
        if name is None and known.operations > 1:
            raise CannotGetOperationTypeError(None)
        self._measure(known, name, context.variables or {})
        context.graphql_document = known.document
        yield

    def _measure(self, known: Known, name: str | None, variables: Mapping[str, Any]) -> None:
        """Raise `TooComplex` if the document, or what is run of it, is over a limit."""
        if not known.has_shape:
            check_shape(known.document)
            known.has_shape = True
        if not known.deciding and (name,) in known.passed:
            return
        operation = get_operation_ast(known.document, name)
        if operation is None:
            return  # none is run
        schema = core_schema(self.execution_context.schema)
        values = coerced(schema, operation, known.deciding, variables)
        if values is None:
            return  # likewise
        measured = (name, *values.items())
        if measured not in known.passed:
            check_rows(schema, known.document, operation, values, self._pages)
            known.passed.add(measured, None)

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        known = self._find(context.query or "")
        if known.errors is None:
            schema = core_schema(context.schema)
            known.errors = validate_document(schema, known.document, self._rules())
        context.pre_execution_errors = list(known.errors)
        yield

    def _rules(self) -> tuple[type[ASTValidationRule], ...]:
        schema, rules = self.execution_context.schema, self.execution_context.validation_rules
        assert isinstance(schema, Schema)
        return rules if schema.tells_what_it_has else (*rules, NoSchemaIntrospectionCustomRule)

    def _find(self, query: str) -> Known:
        known = self._long or self._known.get(query)
        if known is None:
            document = _parsed(query)
            known = Known(document, deciding(document, self._pages))
            if is_remembered(query):
                self._known.add(query, known)
            else:
                self._long = known  # for this one execution
        return known


def _parsed(query: str) -> DocumentNode:
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        if error.message.endswith(f"{MAX_TOKENS} tokens. Parsing aborted."):
            raise TooComplex("tokens", f"over {MAX_TOKENS:,}", MAX_TOKENS) from None
        raise
    if _LONG_NUMBER.search(query):
        visit(document, _Numbers())
    return document


class _Numbers(Visitor):
    """Refuses what Python would not read as a number."""

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        if len(node.value) > MAX_DIGITS:
            raise GraphQLError("A number has too many digits.", node)

"""Parses, measures and validates each document once, however often it is sent."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
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

from gql_app.execution import memory
from gql_app.execution.cost import NOTHING, Cost, Pages, cost_of
from gql_app.execution.limits import MAX_TOKENS, TooComplex, check_length, check_shape
from gql_app.execution.memory import Known, Schema
from gql_app.execution.overlaps import check_overlaps
from gql_app.execution.strawberry_private import core_schema
from gql_app.execution.variables import coerced, deciding

SHORT = 500
"""Characters of a document that is read in a few milliseconds at most."""
MAX_DIGITS = 1_000
"""Most digits of a number in a document. Python reads 4,300 at most by default."""

_LONG_NUMBER = re.compile(rf"\d{{{MAX_DIGITS}}}")


class Documents(SchemaExtension):
    """Takes the place of Strawberry's caches, whose key is the hash of all nodes of a document, and
    of its limiters. `known` is what is remembered of documents; `pages` is how lists are paged. The
    context of the operation is told its `cost`, and the length of a document that is new."""

    def __init__(self, known: memory.Documents, pages: Pages) -> None:
        self._known = known
        self._pages = pages
        self._errors: list[GraphQLError] = []

    async def on_parse(self) -> AsyncIterator[None]:
        context = self.execution_context
        known = await self._find(context.query or "")
        if known.refused is not None:
            raise known.refused
        # Strawberry would run the first one: a mutation, perhaps, that nobody chose.
        name = context.operation_name  # once there is a document, it may be the first one's
        if name is None and len(known.operations) > 1:
            raise CannotGetOperationTypeError(None)
        context.context.cost = self._measure(known, name, context.variables or {})
        self._errors = known.errors
        context.graphql_document = known.document
        yield

    def _measure(self, known: Known, name: str | None, variables: Mapping[str, Any]) -> Cost:
        """What the operation costs. Raises `TooComplex` if that is over a limit."""
        if not known.deciding and (cost := known.passed.get((name,))) is not None:
            return cost
        operation = get_operation_ast(known.document, name)
        if operation is None:
            return NOTHING  # none is run
        schema = core_schema(self.execution_context.schema)
        values = coerced(schema, operation, known.deciding, variables)
        if values is None:
            return NOTHING  # likewise
        measured = (name, *values.items())
        cost = known.passed.get(measured)
        if cost is None:
            cost = cost_of(schema, known.document, operation, values, self._pages)
            known.passed.add(measured, cost)
        return cost

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = list(self._errors)
        yield

    async def _find(self, query: str) -> Known:
        """What is known of a document. One that is new and not short is read in a thread: it takes
        some time, and meanwhile others have their turns."""
        known = self._known.get(query)
        if known is not None:
            return known
        if query not in self._known.trusted:
            check_length(query)
            self.execution_context.context.reads_document(len(query))
        if len(query) <= SHORT:
            known = self._read(query)
        else:
            async with self._known.turns:
                known = self._known.get(query)
                if known is None:
                    known = await asyncio.to_thread(self._read, query)
        if query not in self._known:
            self._known.remember(known)
        return known

    def _read(self, query: str) -> Known:
        """Parse, measure and validate a document."""
        schema = self.execution_context.schema
        document = _parsed(query)
        known = Known(document, query, deciding(document, self._pages.size))
        try:
            check_shape(document)
            check_overlaps(document)
        except TooComplex as error:
            known.refused = error
        else:
            known.errors = validate_document(core_schema(schema), document, self._rules())
        return known

    def _rules(self) -> tuple[type[ASTValidationRule], ...]:
        schema, rules = self.execution_context.schema, self.execution_context.validation_rules
        assert isinstance(schema, Schema)
        return rules if schema.tells_what_it_has else (*rules, NoSchemaIntrospectionCustomRule)


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

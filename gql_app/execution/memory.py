"""What is remembered of the documents that clients send, and the schema that owns it.

Nothing is kept on a class or a module: two applications in one process share none of it, and it is
freed with the application that built the schema.
"""

from collections.abc import Hashable
from typing import Any, TypeAlias

import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLSchema, Node, OperationDefinitionNode, parse
from strawberry.types import ExecutionContext

from gql_app.execution.bounded import Bounded
from gql_app.execution.fallbacks import Fallbacks
from gql_app.execution.limits import MAX_TOKENS
from gql_app.execution.outline import UNREADABLE, Outline, outline
from gql_app.execution.runs import Complete
from gql_app.execution.strawberry_private import core_schema, schema_behind
from gql_app.execution.whole import must_be_whole

DOCUMENTS = 500
PLANS = 2_000
"""A document has several."""
OPERATIONS = 1_000
PASSED = 20
"""How many times a document is remembered to be within the limits: once for each operation with
certain values of the variables that decide how many rows it asks for."""


Plans: TypeAlias = Bounded[Hashable, tuple[list[Node], Complete | None]]


class Known:
    """A document, and what is known of it. `deciding` are the variables that decide its rows."""

    def __init__(self, document: DocumentNode, deciding: frozenset[str]) -> None:
        self.document = document
        self.operations = sum(
            isinstance(definition, OperationDefinitionNode) for definition in document.definitions
        )
        self.deciding = deciding
        self.has_shape = False
        self.passed: Bounded[tuple[object, ...], None] = Bounded(PASSED)
        self.errors: list[GraphQLError] | None = None
        self.outlines: Bounded[str | None, Outline] = Bounded(PASSED)


class Memory:
    """What is known of documents, by their text or by their nodes.

    A node is found by its id. The node is kept beside what is known of it, so that no other node
    can get the same id meanwhile.
    """

    def __init__(self) -> None:
        self.documents: Bounded[str, Known] = Bounded(DOCUMENTS)
        self.plans: Plans = Bounded(PLANS)
        self.directive_variables: Bounded[int, tuple[Node, tuple[str, ...]]] = Bounded(PLANS)
        self.names: Bounded[int, tuple[Node, frozenset[str]]] = Bounded(OPERATIONS)
        self.columns: Bounded[Hashable, frozenset[str]] = Bounded(OPERATIONS)
        self.fallbacks = Fallbacks()


class Schema(strawberry.Schema):
    """A schema with the memory of its executions."""

    def __init__(self, *given: Any, introspection: bool = True, **named: Any) -> None:
        self.memory = Memory()
        self.tells_what_it_has = introspection
        super().__init__(*given, **named)

    def must_be_whole(self, query: str, operation_name: str | None) -> bool:
        """Whether an answer to the operation has no data if a part of it failed on our side. It has
        been executed, so the document is valid."""
        known = self.memory.documents.get(query)
        document = parse(query) if known is None else known.document
        return must_be_whole(core_schema(self), document, operation_name)

    def outline(self, query: str, operation_name: str | None) -> Outline:
        """What is recorded of an operation. It may not have been executed, nor be valid."""
        known = self.memory.documents.get(query)
        found = None if known is None else known.outlines.get(operation_name)
        if found is not None:
            return found
        try:
            if known is None:
                document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
            else:
                document = known.document
            found = outline(document, operation_name)
        except (GraphQLError, RecursionError):
            return UNREADABLE
        if known is not None:
            known.outlines.add(operation_name, found)
        return found

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Strawberry logs each error with its text here; ours are logged where they are masked."""
        if not self.tells_what_it_has:
            for error in errors:
                error.message = error.message.partition(" Did you mean ")[0]


def memory_of(schema: GraphQLSchema) -> Memory:
    """The memory of the schema that graphql-core executes on."""
    owner = schema_behind(schema)
    assert isinstance(owner, Schema)
    return owner.memory

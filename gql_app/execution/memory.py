"""What is remembered of the documents that clients send, and the schema that owns it.

Nothing is kept on a class or a module: two applications in one process share none of it, and it is
freed with the application that built the schema. All of it together takes some megabytes at most:
what is known of a document is kept with it, counted with it, and dropped with it.
"""

import asyncio
import sys
from collections.abc import Hashable
from time import monotonic
from typing import Any, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
)
from strawberry.types import ExecutionContext

from gql_app.execution.bounded import Bounded
from gql_app.execution.cost import Cost
from gql_app.execution.fallbacks import Fallbacks
from gql_app.execution.limits import MAX_TOKENS, TooComplex
from gql_app.execution.outline import UNREADABLE, Outline, outline
from gql_app.execution.runs import Complete
from gql_app.execution.strawberry_private import core_schema, schema_behind
from gql_app.execution.whole import must_be_whole

MB = 1024 * 1024
DOCUMENTS, DOCUMENT_ROOM = 500, 20 * MB
COLUMNS, COLUMN_ROOM = 1_000, 1 * MB
PLANS = 100
"""A document has several: one for each kind of object, and each set of directives' variables."""
PASSED = 20
"""How many times a document is remembered to be within the limits: once for each operation with
certain values of the variables that decide how much it asks for."""

OF_SCHEMA = frozenset({"__schema", "__type", "__typename"})

TOKEN_BYTES = 800
"""What a word or sign of a document is taken to need: parsed it takes 400 to 540 bytes, and more is
kept beside it. A thin document of 16 KB takes more than one with long names."""

Passed: TypeAlias = Bounded[tuple[object, ...], Cost]
Plans: TypeAlias = Bounded[Hashable, Complete | None]
Refused: TypeAlias = TooComplex | None


class Known:
    """A document, and what is known of it. `deciding` are the variables that decide its cost.
    `plans`, `names` and the variables of directives are found by its nodes' ids: no node goes while
    the document is there, so no other can get the same id."""

    def __init__(
        self, document: DocumentNode, query: str = "", deciding: frozenset[str] = frozenset()
    ) -> None:
        self.document = document
        self.query = query
        self.operations = [
            d for d in document.definitions if isinstance(d, OperationDefinitionNode)
        ]
        self.deciding = deciding
        self.passed: Passed = Bounded(PASSED)
        self.refused: Refused = None
        self.errors: list[GraphQLError] = []
        self.plans: Plans = Bounded(PLANS)
        self.directive_variables: dict[int, tuple[str, ...]] = {}
        self.names: dict[int, frozenset[str]] = {}
        self.outlines: Bounded[str | None, Outline] = Bounded(PASSED)

    @property
    def asks_of_schema_alone(self) -> bool:
        """Whether all that it asks for is the schema: the answer is always the same then."""
        return all(
            operation.operation is OperationType.QUERY
            and not operation.variable_definitions
            and all(
                isinstance(field, FieldNode) and field.name.value in OF_SCHEMA
                for field in operation.selection_set.selections
            )
            for operation in self.operations
        )


HANDED_OVER = 0.0005
"""Seconds that a thread which reads a document may keep Python's lock from others. Usually it is
ten times that, and to read a page takes dozens of turns; but a shorter time costs all that runs."""
USUAL = sys.getswitchinterval()


class Turns:
    """Lets one in at a time, and then nobody for as long as that took: what runs in a thread takes
    Python's lock from the loop, so others have at least half of the time for themselves."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._rests_until = 0.0

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            await asyncio.sleep(self._rests_until - monotonic())
        except BaseException:
            self._lock.release()
            raise
        self._begun = monotonic()
        sys.setswitchinterval(HANDED_OVER)

    async def __aexit__(self, *_: object) -> None:
        sys.setswitchinterval(USUAL)
        self._rests_until = 2 * monotonic() - self._begun
        self._lock.release()


class Documents(Bounded[str, Known]):
    """The documents that are known, by their text; and by their operations, while one runs. New
    ones that are long are read in `turns`. Those that are `trusted` may be of any length."""

    def __init__(self, limit: int, room: int) -> None:
        super().__init__(limit, room)
        self.turns = Turns()
        self.trusted: frozenset[str] = frozenset()
        self._by_operation: dict[int, Known] = {}

    def remember(self, known: Known) -> None:
        """Keep a document."""
        weight = len(known.query) * 4 + (known.document.token_count or 0) * TOKEN_BYTES
        self.add(known.query, known, weight)
        if self.get(known.query) is known:
            self._by_operation.update((id(node), known) for node in known.operations)

    def of(self, operation: OperationDefinitionNode) -> Known:
        """What is known of the document of an operation."""
        known = self._by_operation.get(id(operation))
        if known is None:  # it was dropped meanwhile, or never kept
            known = Known(DocumentNode(definitions=(operation,)))
        return known

    def dropped(self, value: Known) -> None:
        for node in value.operations:
            self._by_operation.pop(id(node), None)


class Memory:
    """What is known of documents."""

    def __init__(self) -> None:
        self.documents = Documents(DOCUMENTS, DOCUMENT_ROOM)
        self.columns: Bounded[Hashable, frozenset[str]] = Bounded(COLUMNS, COLUMN_ROOM)
        self.fallbacks = Fallbacks()


class Schema(strawberry.Schema):
    """A schema with the memory of its executions. Of an operation it is recorded whether it asks
    for fields with one of the names in `sensitive`."""

    def __init__(
        self,
        *given: Any,
        introspection: bool = True,
        sensitive: frozenset[str] = frozenset(),
        **named: Any,
    ) -> None:
        self.memory = Memory()
        self._sensitive = sensitive
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
            found = outline(document, operation_name, self._sensitive)
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

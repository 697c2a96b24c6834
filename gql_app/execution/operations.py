"""Which operation of a document is run."""

from collections.abc import Iterator

from graphql import OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError


class ChosenOperation(SchemaExtension):
    """Refuses a document with several operations of which none is named. GraphQL demands it, and
    Strawberry would run the first one: a mutation, perhaps, that nobody chose."""

    def on_parse(self) -> Iterator[None]:
        yield
        document = self.execution_context.graphql_document
        named = self.execution_context._provided_operation_name  # noqa: SLF001 - told nowhere else
        if document is None or named is not None:
            return
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1:
            raise CannotGetOperationTypeError(None)

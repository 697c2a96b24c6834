"""Which answers are shown whole or not at all."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_operation_ast,
)

from gql_app.execution.limits import fragments
from gql_app.execution.strawberry_private import field_behind

WHOLE = "whole"
"""The key, in the metadata of a root field, that says: an answer with this field has no data at all
if a part of it failed on our side."""


def must_be_whole(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None
) -> bool:
    """Whether a root field of the operation says so. The document is valid."""
    operation = get_operation_ast(document, operation_name)
    root = None if operation is None else schema.get_root_type(operation.operation)
    if operation is None or root is None:
        return False
    names = root_names(operation.selection_set, fragments(document))
    fields = [root.fields[name] for name in names if name in root.fields]
    behind = filter(None, map(field_behind, fields))
    return any(WHOLE in field.metadata for field in behind)


def root_names(
    selection_set: SelectionSetNode, known: dict[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The names of the fields that are selected here, by fragments too. Each fragment is taken out
    of `known`: otherwise fragments that are spread twice by others would take for ever."""
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection.name.value
            case InlineFragmentNode():
                yield from root_names(selection.selection_set, known)
            case FragmentSpreadNode():
                if (fragment := known.pop(selection.name.value, None)) is not None:
                    yield from root_names(fragment.selection_set, known)

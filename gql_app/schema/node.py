"""The interface `Node`, and anything by its global id."""

from functools import partial
from typing import Any

import strawberry

from gql_app.schema.columns import reads
from gql_app.schema.context import Info
from gql_app.schema.ids import GlobalId, id_of, read_id
from gql_app.schema.loaders import HasId, Rows
from gql_app.work.patients import PatientRow
from gql_app.work.reads.history import StaffRow, colleagues_by_id
from gql_app.work.reads.queues import QueueRow
from models.contact import ContactRow
from models.task import TaskRow

ROWS: dict[str, type[HasId]] = {
    "Contact": ContactRow,
    "Patient": PatientRow,
    "Queue": QueueRow,
    "Staff": StaffRow,
    "Task": TaskRow,
}
"""Which rows are shown as which type. Not all types have a row: only those with a global id."""

_ID_OF = {row: id_of(name) for name, row in ROWS.items()}


@strawberry.interface(description="Anything with a global id.")
class Node:
    @strawberry.field(metadata=reads("id"))
    def id(parent: strawberry.Parent[Any]) -> strawberry.ID:
        return _ID_OF[type(parent)](parent.id)

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, ROWS[cls.__name__])


@strawberry.type
class Queries:
    @strawberry.field(graphql_type=Node | None, description="Anything by its global id.")
    async def node(self, info: Info, id: GlobalId) -> HasId | None:
        type_name, row_id = read_id(id)
        loaders = info.context.loaders
        by_type: dict[str, Rows[int, Any]] = {
            "Task": loaders.task,
            "Queue": loaders.queue,
            "Patient": loaders.patient,
            "Contact": loaders.contact_by_id,
            "Staff": Rows(partial(colleagues_by_id, info.context.viewer)),
        }
        loader = by_type.get(type_name)
        return None if loader is None else await loader.load(row_id)

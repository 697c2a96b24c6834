"""The interface `Node`, and anything by its global id."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import strawberry

from gql_app.schema.columns import reads
from gql_app.schema.context import Context, Info
from gql_app.schema.ids import GlobalId, id_of, read_id
from gql_app.schema.row_loader import HasId, RowLoader
from gql_app.work.reads.history import StaffRow, colleagues_by_id
from gql_app.work.reads.queues import QueueRow
from models.appointment import AppointmentRow
from models.contact import ContactRow
from models.people import PatientRow
from models.task import TaskRow


class Source(NamedTuple):
    """The rows that are shown as a type, and how they are found by their numbers."""

    row: type[HasId]
    loader_of: Callable[[Context], RowLoader[int, Any]]


SOURCES = {
    "Appointment": Source(AppointmentRow, lambda context: context.loaders.appointment),
    "Contact": Source(ContactRow, lambda context: context.loaders.contact_by_id),
    "Patient": Source(PatientRow, lambda context: context.loaders.patient),
    "Queue": Source(QueueRow, lambda context: context.loaders.queue),
    "Staff": Source(StaffRow, lambda context: RowLoader(partial(colleagues_by_id, context.viewer))),
    "Task": Source(TaskRow, lambda context: context.loaders.task),
}
"""The types that have a global id."""

_ID_OF = {source.row: id_of(name) for name, source in SOURCES.items()}


@strawberry.interface(description="Anything with a global id.")
class Node:
    @strawberry.field(metadata=reads("id"))
    def id(parent: strawberry.Parent[Any]) -> strawberry.ID:
        return _ID_OF[type(parent)](parent.id)

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, SOURCES[cls.__name__].row)


@strawberry.type
class Queries:
    @strawberry.field(graphql_type=Node | None, description="Anything by its global id.")
    async def node(self, info: Info, id: GlobalId) -> HasId | None:
        type_name, row_id = read_id(id)
        source = SOURCES.get(type_name)
        return None if source is None else await source.loader_of(info.context).load(row_id)

"""Types that are shown by those which they show: `Task` and appointments, with their connections.

A task shows its queue, its patient and its contacts, and each of these shows tasks; a patient and
an appointment show each other. Strawberry looks these up when all modules have been imported.
"""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from gql_app.schema.appointments import Appointment, AppointmentConnection
    from gql_app.schema.tasks import Task, TaskConnection

LazyTask: TypeAlias = Annotated["Task", strawberry.lazy("gql_app.schema.tasks")]
LazyTaskConnection: TypeAlias = Annotated["TaskConnection", strawberry.lazy("gql_app.schema.tasks")]
LazyAppointment: TypeAlias = Annotated[
    "Appointment", strawberry.lazy("gql_app.schema.appointments")
]
LazyAppointmentConnection: TypeAlias = Annotated[
    "AppointmentConnection", strawberry.lazy("gql_app.schema.appointments")
]

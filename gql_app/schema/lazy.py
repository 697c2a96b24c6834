"""`Task` and its connection, for the modules that tasks.py imports.

A task shows its queue, its patient and its contacts, and each of these shows tasks. This is the
only circle among the types. Strawberry looks the two up when all modules have been imported.
"""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from gql_app.schema.tasks import Task, TaskConnection

LazyTask: TypeAlias = Annotated["Task", strawberry.lazy("gql_app.schema.tasks")]
LazyTaskConnection: TypeAlias = Annotated["TaskConnection", strawberry.lazy("gql_app.schema.tasks")]

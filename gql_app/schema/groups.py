"""The group of practices that a viewer supervises: names to switch between, and nothing else."""

import strawberry

from gql_app.access.visits import GroupPractice as GroupPracticeRow
from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.ids import global_id


@strawberry.type(description="A practice of a group.")
class GroupPractice:
    @strawberry.field(
        description="What stands for it in the header X-Callboard-Practice, and where a visit"
        " begins."
    )
    def id(parent: strawberry.Parent[GroupPracticeRow]) -> strawberry.ID:
        return global_id("Practice", parent.id)

    slug: str = strawberry.field(description="Its short name, for commands.")
    name: str = strawberry.field(description="What people call it.")
    is_home: bool = strawberry.field(description="Whether it is where you have signed in.")


@strawberry.type(description="Practices that you supervise, and sign in to once.")
class PracticeGroup:
    name: str = strawberry.field(description="What people call it.")
    practices: list[GroupPractice] = strawberry.field(
        description="Those that you may look into, by name. Archived ones are left out.",
        metadata={MOST_ROWS: 50},
    )


class GroupSource:
    """The source of a `PracticeGroup`."""

    def __init__(self, practices: list[GroupPracticeRow]) -> None:
        self.name = practices[0].group
        self.practices = practices

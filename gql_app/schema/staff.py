"""Staff: who acts through a key."""

import strawberry

from gql_app.schema.node import Node


@strawberry.type(description="Who acts through a key: a person, or a partner's program.")
class Staff(Node):
    name: str

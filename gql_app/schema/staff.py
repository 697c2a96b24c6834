"""Staff: who acts through a key. Partners are shown "Staff" in place of each of them: see
`Loaders`."""

import strawberry

from gql_app.schema.node import Node


@strawberry.type(
    description="Who acts through a key: a person, or a partner's program. A partner's key is shown"
    " one and the same in place of all of them, called Staff: that somebody acted, and not who."
)
class Staff(Node):
    name: str

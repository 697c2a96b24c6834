"""How a feed begins: what is true at one cursor is told at once."""

from contextlib import aclosing

from gql_app.live.feeds import Feeds
from gql_app.schema.context import Context
from gql_app.schema.queue_feed import follow_queues
from models.chain import Position
from tests.flows.dashboard import services
from tests.office import Office


async def test_the_queues_and_counts_at_a_cursor_are_told_together(office: Office) -> None:
    await office.make_task()
    context = Context(office.staff, services(Feeds(), office.clock))
    queues = [office.recall.id, office.missed.id]
    async with aclosing(follow_queues(context, queues, Position(1))) as items:
        # A member that joined a group in between would be told the last again.
        assert [(await anext(items)).more for _ in range(3)] == [True, True, False]

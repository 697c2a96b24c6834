"""`callboard queues`: what a queue gives to its tasks."""

import argparse
import asyncio

from gql_app.access import keys
from gql_app.commands.asking import runner_for
from gql_app.settings import Settings
from gql_app.work.queue_settings import set_queue
from models.checks import BadValue
from models.database import opened


def run_set_queue(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> None:
        async with opened(settings.database_url, settings.limits):
            practice = await keys.practice_called(arguments.practice)
            (queue_id,) = await keys.queues_called(practice, [arguments.queue])
            given = {"ladder": arguments.ladder, "automatic_life": arguments.automatic_life}
            changes = await runner_for("queues set")
            try:
                await changes.make_for(practice.id, set_queue, queue_id, **given)
            except ValueError as error:
                raise BadValue(str(error)) from None

    asyncio.run(run())
    return 0

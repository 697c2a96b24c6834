"""Lets guests follow their groups: somebody is retired, or called something else, at home."""

import asyncio
import logging

from gql_app.logs.retrying import retried
from gql_app.work.changes import Changes
from gql_app.work.guests import settle_guests

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0


async def keep_settling_guests(changes: Changes) -> None:
    """Look every minute, until cancelled."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        with retried(log, "guests were not settled"):
            await settle_guests(changes)

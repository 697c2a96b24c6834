"""Lets guests follow their groups: somebody is retired, or called something else, at home."""

import asyncio
import logging

from gql_app.work.changes import Changes
from gql_app.work.guests import settle_guests

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0


async def keep_settling_guests(changes: Changes) -> None:
    """Look every minute, until cancelled."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        try:
            await settle_guests(changes)
        except Exception as error:  # the database may be away; the next round tries again
            log.warning("guests were not settled: %s", type(error).__name__)

"""`callboard demo`: make the sample practice, and serve it."""

import argparse
import asyncio
import logging
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from gql_app.commands.demo.colleagues import at_work
from gql_app.commands.demo.practice import (
    COLLEAGUES,
    Demo,
    create_colleagues_keys,
    database_url,
    prepare,
)
from gql_app.commands.demo.welcome import welcome
from gql_app.commands.serving import keep_files_private, place_of, serve_until_stopped, url_of
from gql_app.listening import bound, listen
from gql_app.settings import BadSetting, Settings, check_host
from gql_app.terminal import say


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make the sample practice unless it is there, and serve it until stopped."""
    settings = replace(settings, database_url=database_url(arguments.data), bus_url="memory://")
    # A line for each request would push the links off the screen.
    logging.getLogger("callboard").setLevel(logging.WARNING)
    # Before it says where it is, and gives away a link that works once.
    with bound(arguments.host, arguments.port) as sockets:
        check_host(settings, arguments.host)
        try:
            sample, keys = asyncio.run(_prepare(arguments.data, is_lively=arguments.lively))
        except OSError as error:
            raise BadSetting(f"--data {error.filename} cannot be used: {error.strerror}") from None
        keep_files_private(settings)
        listen(sockets, arguments.port)
        for line in welcome(url_of(arguments.host, sockets), arguments.data, sample).splitlines():
            say(line)
        if keys:
            say(f"{' and '.join(COLLEAGUES)} work the queues while you look on.")
        with at_work(place_of(arguments.host, sockets), keys) if keys else nullcontext():
            return serve_until_stopped(settings, arguments, sockets)


async def _prepare(folder: Path, *, is_lively: bool) -> tuple[Demo, list[str]]:
    """The sample practice, and the keys of the colleagues who work in it."""
    sample = await prepare(folder)
    return sample, await create_colleagues_keys(folder) if is_lively else []

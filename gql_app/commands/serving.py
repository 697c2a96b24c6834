"""`callboard serve` and `callboard demo`: the server, and the server with a sample practice."""

import argparse
import asyncio
import socket
from dataclasses import replace

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gql_app.app import end_in_time, server_config
from gql_app.commands.demo import practice as demo
from gql_app.listening import bound, listen
from gql_app.settings import BadSetting, Settings, address, check_workers
from gql_app.terminal import say
from models.database import migrate


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped."""
    check_workers(settings, arguments.workers)
    sockets = bound(arguments.host, arguments.port)
    asyncio.run(migrate(settings.database_url))
    listen(sockets, arguments.port)
    say(
        f"Callboard serves at {_url(arguments.host, sockets)}/graphql;"
        f" database {address(settings.database_url)}, bus {address(settings.bus_url)}."
        " Ctrl-C stops it."
    )
    return _serve_until_stopped(settings, arguments, sockets)


def run_demo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make the sample practice unless it is there, and serve it until stopped."""
    # Before it says where it is, and gives away a link that works once.
    sockets = bound(arguments.host, arguments.port)
    try:
        sample = asyncio.run(demo.prepare(arguments.data))
    except OSError as error:
        raise BadSetting(f"--data {error.filename} cannot be used: {error.strerror}") from None
    settings = replace(
        settings, database_url=demo.database_url(arguments.data), bus_url="memory://"
    )
    listen(sockets, arguments.port)
    for line in demo.welcome(_url(arguments.host, sockets), arguments.data, sample).splitlines():
        say(line)
    return _serve_until_stopped(settings, arguments, sockets)


def _url(host: str, sockets: list[socket.socket]) -> str:
    """Where a browser on this machine finds the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    port = sockets[0].getsockname()[1]
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _serve_until_stopped(
    settings: Settings, arguments: argparse.Namespace, sockets: list[socket.socket]
) -> int:
    config = server_config(settings, arguments.host, arguments.port, arguments.workers)
    if config.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets)
        return 0 if server.started else 1
    for listener in sockets:
        listener.set_inheritable(True)
    supervisor = Multiprocess(config, sockets)
    end_in_time(settings.stop_seconds)  # a worker that hangs must not keep it
    supervisor.run()
    return int(any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes))

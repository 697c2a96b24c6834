"""`callboard serve`: the server, until it is stopped."""

import argparse
import asyncio
import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gql_app.app import end_in_time, server_config
from gql_app.listening import bound, listen
from gql_app.settings import Settings, address, check_workers
from gql_app.terminal import say
from models.database import migrate


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped."""
    check_workers(settings, arguments.workers)
    sockets = bound(arguments.host, arguments.port)
    asyncio.run(migrate(settings.database_url))
    listen(sockets, arguments.port)
    say(
        f"Callboard serves at {url_of(arguments.host, sockets)}/graphql;"
        f" database {address(settings.database_url)}, bus {address(settings.bus_url)}."
        " Ctrl-C stops it."
    )
    return serve_until_stopped(settings, arguments, sockets)


def place_of(host: str, sockets: list[socket.socket]) -> tuple[str, int]:
    """The host and port at which a program on this machine finds the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return name, sockets[0].getsockname()[1]


def url_of(host: str, sockets: list[socket.socket]) -> str:
    """The address at which a browser on this machine finds the server."""
    name, port = place_of(host, sockets)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def serve_until_stopped(
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

"""`callboard serve`: the server, until it is stopped."""

import argparse
import asyncio
import logging
import socket
import ssl
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gql_app.app import server_config
from gql_app.listening import bound, listen
from gql_app.settings import BadSetting, Settings, address, check_host, check_workers
from gql_app.stopping import end_in_time
from gql_app.terminal import say
from models.database import check, migrate
from models.database.sqlite_modes import close_to_others, open_to_others
from models.wires import is_loopback

log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped."""
    check_workers(settings, arguments.workers)
    _check_certificate(arguments.ssl_certfile, arguments.ssl_keyfile)
    with bound(arguments.host, arguments.port) as sockets:
        check_host(settings, arguments.host)
        if arguments.migrate:
            asyncio.run(migrate(settings.database_url))
        asyncio.run(check(settings.database_url))
        keep_files_private(settings)
        listen(sockets, arguments.port)
        url = url_of(arguments.host, sockets, is_encrypted=arguments.ssl_certfile is not None)
        say(
            f"Callboard serves at {url}/graphql;"
            f" database {address(settings.database_url)}, bus {address(settings.bus_url)}."
            " Ctrl-C stops it."
        )
        if arguments.ssl_certfile is None and not is_loopback(arguments.host):
            log.warning("what is sent to other machines goes in clear text: no --ssl-certfile")
        return serve_until_stopped(settings, arguments, sockets)


def keep_files_private(settings: Settings) -> None:
    """Close SQLite's files to other users of this machine. Raises `BadSetting` if that fails."""
    for file in close_to_others(settings.database_url):
        log.warning("%s was open to other users of this machine; its mode is now 0600", file)
    for file in open_to_others(settings.database_url):
        if not settings.insecure:
            raise BadSetting(
                f"{file} is open to other users of this machine, and its mode cannot be changed:"
                " have its owner run chmod 600, or say CALLBOARD_INSECURE=1"
            )


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raise `BadSetting` if HTTPS could not be served with them. uvicorn would end in a trace."""
    if certificate is None:
        if key is not None:
            raise BadSetting("--ssl-keyfile is of no use without --ssl-certfile")
        return
    for file in filter(None, (certificate, key)):
        file.open("rb").close()  # says which of the two cannot be read
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key, password=""
        )
    except ssl.SSLError as error:
        named = f"--ssl-certfile {certificate}" + (f" and --ssl-keyfile {key}" if key else "")
        raise BadSetting(f"{named} cannot be used: {error.reason or error}") from None


def place_of(host: str, sockets: list[socket.socket]) -> tuple[str, int]:
    """The host and port at which a program on this machine finds the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return name, sockets[0].getsockname()[1]


def url_of(host: str, sockets: list[socket.socket], *, is_encrypted: bool = False) -> str:
    """The address at which a browser on this machine finds the server."""
    name, port = place_of(host, sockets)
    scheme = "https" if is_encrypted else "http"
    return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"


def serve_until_stopped(
    settings: Settings, arguments: argparse.Namespace, sockets: list[socket.socket]
) -> int:
    config = server_config(
        settings,
        arguments.host,
        arguments.port,
        workers=arguments.workers,
        certificate=arguments.ssl_certfile,
        private_key=arguments.ssl_keyfile,
    )
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

"""The server's sockets, bound first of all: a taken port ends the start at once."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gql_app.settings import BadSetting

BACKLOG = 2048
"""As uvicorn has it."""


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """A socket for each address of `host`, closed at the end. They do not listen yet: while tables
    are migrated, connections are refused, and a proxy tries another server. Raises `BadSetting`."""
    sockets = _all_bound(host, port)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _all_bound(host: str, port: int) -> list[socket.socket]:
    sockets = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no name of a host"
        raise BadSetting(f"--host {host} is not an address: {why}") from None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            sockets.append(_bound(family, kind, protocol, address))
        except OSError as error:
            missing = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # IPv6, where there is none
            if error.errno not in missing or (address == found[-1][-1] and not sockets):
                raise _cannot_listen(port, error) from None
    return sockets


def _bound(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def listen(sockets: list[socket.socket], port: int) -> None:
    """Listen. Another server that has started meanwhile may have been faster, and uvloop would not
    say so: it closes the socket, and serves nobody. Raises `BadSetting`."""
    for listener in sockets:
        try:
            listener.listen(BACKLOG)
        except OSError as error:
            raise _cannot_listen(port, error) from None


def _cannot_listen(port: int, error: OSError) -> BadSetting:
    if error.errno == errno.EADDRINUSE:
        return BadSetting(f"port {port} is already in use")
    return BadSetting(f"port {port} cannot be used: {error.strerror}")

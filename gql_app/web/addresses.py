"""Where a request comes from, as logs and limits name it."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

UNKNOWN = "unknown"
"""The address of a client on a local socket, or of one whose proxy said nothing of use."""


def client_address(scope: Scope) -> str:
    """The address of the client that sent a request or opened a socket.

    uvicorn has read X-Forwarded-For by then, if a trusted proxy sent it. What is no address is
    never passed on: anybody may write anything into that header.
    """
    client = scope.get("client")
    try:
        return str(ip_address(client[0])) if client else UNKNOWN
    except ValueError:
        return UNKNOWN


def client_network(scope: Scope) -> str:
    """Where a request comes from, as it counts where addresses are limited."""
    return network(client_address(scope))


def network(address: str) -> str:
    """What counts as one client where addresses are limited: a provider gives each customer 2 to
    the power of 64 addresses of IPv6, so these count as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))

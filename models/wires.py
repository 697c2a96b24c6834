"""How the connections to PostgreSQL and Redis are encrypted: `sslmode` and `sslrootcert`.

Both parameters mean what they mean to PostgreSQL's own programs (libpq). asyncpg, Tortoise and
redis-py each know others, so the parameters are taken out of the URL here, and handed to each
driver in its own words. PGSSLMODE and other variables of that kind do not count.
"""

import os
import ssl
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

CLEAR = ("disable", "allow", "prefer")
"""Modes in which passwords and patients' data may be sent in clear text."""

MODES = (*CLEAR, "require", "verify-ca", "verify-full")

SYSTEM = "system"
"""As `sslrootcert`: the authorities that this machine trusts, which is the default."""


class BadWire(ValueError):
    """Parameters that are unknown or cannot work. The message shows no part of the URL but them."""


class Wire(NamedTuple):
    """`url` is without the parameters. `root` is a file of the authorities to trust, None for those
    of this machine. `is_local`: nothing leaves this machine."""

    url: str
    mode: str
    root: str | None
    is_local: bool

    @property
    def may_be_read(self) -> bool:
        """Whether what is sent could be read on the network."""
        return self.mode in CLEAR and not self.is_local

    def for_postgres(self) -> ssl.SSLContext | str:
        """The argument `ssl` of asyncpg. Raises `BadWire`."""
        return self.mode if self.mode in CLEAR else self._context()

    def for_redis(self) -> dict[str, Any]:
        """Arguments of redis-py. It trusts this machine's authorities beside those in `root`.
        Raises `BadWire`."""
        if self.mode in CLEAR:
            return {}
        checks = self._context()
        return {
            "ssl_cert_reqs": "none" if checks.verify_mode == ssl.CERT_NONE else "required",
            "ssl_check_hostname": checks.check_hostname,
            "ssl_ca_certs": self.root,
        }

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.root)
        except OSError as error:
            why = "has no certificate" if isinstance(error, ssl.SSLError) else "cannot be read"
            raise BadWire(f"sslrootcert={self.root} {why}") from None
        context.check_hostname = self.mode == "verify-full"
        if self.mode == "require" and self.root is None:  # with a root, libpq checks here too
            context.verify_mode = ssl.CERT_NONE
        return context


def read_wire(url: str) -> Wire:
    """The wire to the server at `url`: postgres://, postgresql://, redis:// or rediss://. Beyond
    this machine the default is verify-full. Raises `BadWire`."""
    address, _, query = url.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    mode, root = given.pop("sslmode", None), given.pop("sslrootcert", SYSTEM)
    for name in given:
        if name.startswith("ssl") or name in ("direct_tls", "service"):
            raise BadWire(f"it has {name}, which is not known; sslmode and sslrootcert are")
    if mode is not None and mode not in MODES:
        raise BadWire(f"its sslmode is one of {', '.join(MODES)}, not {mode!r}")
    scheme = url.partition("://")[0]
    is_local = _is_local(scheme, address, given)
    kept = [part for part in query.split("&") if not part.startswith(("sslmode=", "sslrootcert="))]
    return Wire(
        "?".join(filter(None, (address, "&".join(kept)))),
        _mode(scheme, mode, is_local),
        None if root == SYSTEM else root,
        is_local,
    )


def _mode(scheme: str, mode: str | None, is_local: bool) -> str:
    if scheme == "redis":
        if mode not in (None, "disable"):
            raise BadWire(f"sslmode={mode} needs rediss://; redis:// is clear text")
        return "disable"
    if scheme == "rediss":
        if mode in CLEAR:
            raise BadWire(f"sslmode={mode} is not for rediss://, which is always encrypted")
        return mode or "verify-full"
    return mode or ("prefer" if is_local else "verify-full")


def _is_local(scheme: str, address: str, given: dict[str, str]) -> bool:
    """Whether all hosts of a URL are this machine. Where it names none, asyncpg looks elsewhere."""
    named = urlsplit(address).netloc.rpartition("@")[2]
    hosts = [_host_of(part) for part in named.split(",")]
    if not any(hosts):
        usual = "localhost"
        if scheme.startswith("postgres"):
            usual = "a service" if "PGSERVICE" in os.environ else os.environ.get("PGHOST", usual)
        hosts = (given.get("host") or usual).split(",")
    return all(host.startswith("/") or is_loopback(host) for host in hosts)


def _host_of(part: str) -> str:
    """The host of a `HOST:PORT`, which may be an address of IPv6 in brackets."""
    if part.startswith("["):
        return part[1:].partition("]")[0]
    return unquote(part.rpartition(":")[0] if ":" in part else part)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address always means this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"

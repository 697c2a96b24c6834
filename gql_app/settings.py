"""The settings, read once at the start from CALLBOARD_… variables and handed on as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gql_app.manifest import read_manifest
from models.limits import CHANGES_A_SECOND, COST_A_SECOND, USUAL_LIMITS, Limits
from models.wires import BadWire, is_loopback, read_wire

PREFIX = "CALLBOARD_"
WATCH_KEY = "CALLBOARD_KEY"
"""The key of `callboard watch`: no setting, but it may be there for every verb."""
DATABASES = ("sqlite://", "postgres://", "postgresql://")
LOG_FORMS = ("console", "json")
LOG_LEVELS = ("info", "warning", "error")
BUSES = ("memory://", "postgres://", "postgresql://", "redis://", "rediss://")
MEMORY = ":memory:"
ONE_PROCESS_ONLY = ("memory://", "sqlite://")
NUMBERS = {
    "retention_days": ("days", 1, 36_500),
    "audit_days": ("days", 1, 36_500),
    "claim_minutes": ("minutes", 1, 1_440),
    "session_idle_minutes": ("minutes", 1, 720),
    "statement_seconds": ("seconds", 1, 600),
    "report_seconds": ("seconds", 1, 3_600),
    "wait_seconds": ("seconds", 1, 60),
    "idle_seconds": ("seconds", 1, 600),
    "silence_seconds": ("seconds", 1, 600),
    "practice_connections": ("connections", 1, 100),
    "stop_seconds": ("seconds", 5, 300),
    "writes_per_second": ("changes", 1, 1_000_000),
    "cost_per_second": ("values", 10_000, 1_000_000_000),
}
"""The settings that are numbers: unit, least, most."""
SHORTEST_TOKEN = 16
"""Characters of CALLBOARD_METRICS_TOKEN, at least: nothing slows down those who guess it."""


Default = TypeVar("Default", str, str | None)


class BadSetting(Exception):
    """A setting that is unknown or cannot work; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`retention_days`: how long events are kept, and cursors good; `audit_days`: how long rows of
    the audit are; `claim_minutes`: how long a claim lasts that is not renewed;
    `session_idle_minutes`: how long a session of the dashboard lasts while its person does nothing;
    `oidc_secrets`: a folder with the secrets by which practices' identity providers know this
    server; `allowed_origins`: web pages
    elsewhere that may connect; `allowed_hosts`: the names this server answers to ("*" for any; none
    are named, and any will do, where only this machine can reach it); `insecure`: clear text may go
    over the network, and SQLite's files may be open to others; `metrics_token`: opens /metrics;
    `trusted_proxies`: addresses or networks whose X-Forwarded-For and X-Forwarded-Proto count;
    `statement_seconds` to `silence_seconds`: see `Limits`; `practice_connections`: how many
    connections to PostgreSQL the changes of one practice may use at once, in a process;
    `stop_seconds`: how long a process may take to stop; `writes_per_second` and `cost_per_second`:
    how many changes, and values of dear queries, a key may ask for in the long run; `log`: the form
    of the log's lines, by default the one that suits a terminal or a file; `log_level`: the least
    important lines that are written; `security_log`: a file for security events; `introspection`:
    on or off; `trusted_documents`: texts by their hashes and ids, None if any document is run."""

    database_url: str = "sqlite://callboard.sqlite3"
    bus_url: str = "memory://"
    retention_days: int = 30
    audit_days: int = 2_192
    claim_minutes: int = 10
    session_idle_minutes: int = 30
    oidc_secrets: Path | None = None
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    metrics_token: str | None = None
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    statement_seconds: int = int(USUAL_LIMITS.statement)
    report_seconds: int = int(USUAL_LIMITS.report)
    wait_seconds: int = int(USUAL_LIMITS.wait)
    idle_seconds: int = int(USUAL_LIMITS.idle)
    silence_seconds: int = int(USUAL_LIMITS.silence)
    practice_connections: int = 4
    stop_seconds: int = 10
    writes_per_second: int = CHANGES_A_SECOND
    cost_per_second: int = COST_A_SECOND
    log: str | None = None
    log_level: str = "info"
    security_log: Path | None = None
    introspection: str = "on"
    trusted_documents: dict[str, str] | None = None

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def limits(self) -> Limits:
        return Limits(
            self.statement_seconds,
            self.report_seconds,
            self.wait_seconds,
            self.idle_seconds,
            self.silence_seconds,
        )


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises `BadSetting`."""
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith((f"{PREFIX}TEST_", WATCH_KEY))
    }
    _check_names(given)
    defaults = Settings()
    settings = Settings(
        database_url=given.get("database_url", defaults.database_url),
        bus_url=given.get("bus_url", defaults.bus_url),
        oidc_secrets=_folder(given, "oidc_secrets"),
        allowed_origins=_list(given.get("allowed_origins"), defaults.allowed_origins),
        allowed_hosts=_list(given.get("allowed_hosts"), defaults.allowed_hosts),
        insecure=_flag(given, "insecure"),
        metrics_token=_token(given),
        trusted_proxies=_list(given.get("trusted_proxies"), defaults.trusted_proxies),
        log=_choice(given, "log", LOG_FORMS, defaults.log),
        log_level=_choice(given, "log_level", LOG_LEVELS, defaults.log_level),
        security_log=_file(given.get("security_log")),
        introspection=_choice(given, "introspection", ("on", "off"), defaults.introspection),
        trusted_documents=_documents(_file(given.get("trusted_documents"))),
        **{
            name: _number(given, name, getattr(defaults, name), unit, most, least)
            for name, (unit, least, most) in NUMBERS.items()
        },
    )
    _check_url("DATABASE_URL", settings.database_url, DATABASES)
    _check_url("BUS_URL", settings.bus_url, BUSES)
    for name, url in (("DATABASE_URL", settings.database_url), ("BUS_URL", settings.bus_url)):
        _check_wire(f"{PREFIX}{name}", url, settings.insecure)
    _check_proxies(settings.trusted_proxies)
    return settings


def _check_names(given: Mapping[str, str]) -> None:
    known = Settings.__dataclass_fields__.keys()
    for name in given:
        if name not in known:
            raise BadSetting(
                f"{PREFIX}{name.upper()} is not a setting; there are "
                + ", ".join(f"{PREFIX}{k.upper()}" for k in known)
                + "."
            )


def check_workers(settings: Settings, workers: int) -> None:
    """Raises `BadSetting` if several processes could not serve together by these settings."""
    if workers == 1:
        return
    for name, url in (("DATABASE_URL", settings.database_url), ("BUS_URL", settings.bus_url)):
        if url.startswith(ONE_PROCESS_ONLY):
            scheme = url.partition("://")[0]
            raise BadSetting(
                f"{workers} workers cannot share {PREFIX}{name} {scheme}://; "
                "they need a PostgreSQL database, and a PostgreSQL or Redis bus to hear each other."
            )


def check_host(settings: Settings, host: str) -> None:
    """Raises `BadSetting` if others could reach the server at `host` under any name: a page of a
    stranger's, under a name that leads here, would pass for one of its own."""
    if not (settings.allowed_hosts or is_loopback(host)):
        raise BadSetting(
            f"--host {host} can be reached from elsewhere: name the hosts that it answers to in"
            f" {PREFIX}ALLOWED_HOSTS, such as callboard.example (* for any)"
        )


def address(url: str) -> str:
    """The address without user, password and parameters, as it may be shown."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        path = rest.partition("?")[0]
        return f"sqlite://{path if path == MEMORY else Path(path).absolute()}"
    if scheme == "memory":
        return url
    parts = urlsplit(url)
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _folder(given: Mapping[str, str], name: str) -> Path | None:
    path = given.get(name)
    if not path:
        return None
    if not Path(path).is_dir():
        raise BadSetting(f"{PREFIX}{name.upper()} is a folder that is there, not {path!r}.")
    return Path(path)


def _list(value: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if value is None:
        return default
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _choice(
    given: Mapping[str, str], name: str, choices: tuple[str, ...], default: Default
) -> str | Default:
    value = given.get(name, default)
    if value is not default and value not in choices:
        words = " or ".join(choices)
        raise BadSetting(f"{PREFIX}{name.upper()} is {words}, not {value!r}.")
    return value


def _file(value: str | None) -> Path | None:
    return Path(value).absolute() if value else None


def _documents(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    name = f"{PREFIX}TRUSTED_DOCUMENTS"
    try:
        return read_manifest(path)
    except OSError as error:
        raise BadSetting(f"{name} {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise BadSetting(f"{name} {path} {error}.") from None


def _number(
    given: Mapping[str, str], name: str, default: int, unit: str, most: int, least: int = 1
) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        allowed = f"{least:,} to {most:,}"
        raise BadSetting(
            f"{PREFIX}{name.upper()} is a number of {unit} from {allowed}, not {value!r}."
        )
    return int(value)


def _flag(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "0")
    if value not in ("0", "1"):
        raise BadSetting(f"{PREFIX}{name.upper()} is 1 or 0, not {value!r}.")
    return value == "1"


def _token(given: Mapping[str, str]) -> str | None:
    token = given.get("metrics_token")
    if token is not None and not (
        len(token) >= SHORTEST_TOKEN and token.isascii() and token.isprintable()
    ):
        raise BadSetting(
            f"{PREFIX}METRICS_TOKEN has at least {SHORTEST_TOKEN} characters, all of them ASCII."
        )
    return token


def _check_wire(name: str, url: str, insecure: bool) -> None:
    if url.startswith(ONE_PROCESS_ONLY):
        return
    try:
        wire = read_wire(url)
        wire.for_postgres()  # a file that cannot be read is told now
    except BadWire as error:
        raise BadSetting(f"{name}: {error}.") from None
    if wire.may_be_read and not insecure:
        better = "rediss://" if url.startswith("redis") else "sslmode=verify-full"
        raise BadSetting(
            f"{name} would go over the network in clear text, with its password and what it"
            f" carries: use {better}, or say {PREFIX}INSECURE=1."
        )


def _check_url(name: str, url: str, schemes: tuple[str, ...]) -> None:
    """The message leaves the address out: it may hold a password."""
    if not url.startswith(schemes):
        raise BadSetting(f"{PREFIX}{name} has to begin with {' or '.join(schemes)}.")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise BadSetting(f"{PREFIX}{name} has a port that is not a number.") from None


def _check_proxies(proxies: tuple[str, ...]) -> None:
    """A mistyped one would not be noticed before all clients seem to have one address."""
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            raise BadSetting(f"{PREFIX}TRUSTED_PROXIES lists addresses: {error}.") from None

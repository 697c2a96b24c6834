"""The settings, read once at the start from CALLBOARD_… variables and handed on as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from gql_app.access.budgets import CHANGES_A_SECOND, COST_A_SECOND
from models.limits import USUAL_LIMITS, Limits

PREFIX = "CALLBOARD_"
WATCH_KEY = "CALLBOARD_KEY"
"""The key of `callboard watch`: no setting, but it may be there for every verb."""
DATABASES = ("sqlite://", "postgres://", "postgresql://")
BUSES = ("memory://", "postgres://", "postgresql://", "redis://", "rediss://")
MEMORY = ":memory:"
ONE_PROCESS_ONLY = ("memory://", "sqlite://")
NUMBERS = {
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
"""The settings that bound what the database may take, the stop, and what a key may spend: unit,
least, most."""


class BadSetting(Exception):
    """A setting that is unknown or cannot work; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`retention_days`: how long events are kept, and cursors good; `claim_minutes`: how long a
    claim lasts that is not renewed; `allowed_origins`: web pages
    elsewhere that may connect; `allowed_hosts`: the names this server answers to ("*" for any);
    `trusted_proxies`: addresses or networks whose X-Forwarded-For and X-Forwarded-Proto count;
    `statement_seconds` to `silence_seconds`: see `Limits`; `practice_connections`: how many
    connections to PostgreSQL the changes of one practice may use at once, in a process;
    `stop_seconds`: how long a process may take to stop; `writes_per_second` and `cost_per_second`:
    how many changes, and values of dear queries, a key may ask for in the long run."""

    database_url: str = "sqlite://callboard.sqlite3"
    bus_url: str = "memory://"
    retention_days: int = 30
    claim_minutes: int = 10
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ("*",)
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
    known = Settings.__dataclass_fields__.keys()
    for name in given:
        if name not in known:
            raise BadSetting(
                f"{PREFIX}{name.upper()} is not a setting; there are "
                + ", ".join(f"{PREFIX}{k.upper()}" for k in known)
                + "."
            )
    defaults = Settings()
    settings = Settings(
        database_url=given.get("database_url", defaults.database_url),
        bus_url=given.get("bus_url", defaults.bus_url),
        retention_days=_number(given, "retention_days", defaults.retention_days, "days", 36_500),
        claim_minutes=_number(given, "claim_minutes", defaults.claim_minutes, "minutes", 1_440),
        allowed_origins=_list(given.get("allowed_origins"), defaults.allowed_origins),
        allowed_hosts=_list(given.get("allowed_hosts"), defaults.allowed_hosts),
        trusted_proxies=_list(given.get("trusted_proxies"), defaults.trusted_proxies),
        **{
            name: _number(given, name, getattr(defaults, name), unit, most, least)
            for name, (unit, least, most) in NUMBERS.items()
        },
    )
    _check_url("DATABASE_URL", settings.database_url, DATABASES)
    _check_url("BUS_URL", settings.bus_url, BUSES)
    _check_proxies(settings.trusted_proxies)
    return settings


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


def _list(value: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if value is None:
        return default
    return tuple(part.strip() for part in value.split(",") if part.strip())


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

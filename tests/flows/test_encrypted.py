"""Connections to the database and the bus over TLS, with certificates that the test makes."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from gql_app.live.lines import PostgresLine, RedisLine
from models.database import CannotOpen, Id, fetch, opened
from tests.flows.commands import run
from tests.live.ears import listening
from tests.serving import serving
from tests.tls import Authority, Front, fronted

postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def front(database_url: str, authority: Authority) -> AsyncIterator[Front]:
    """PostgreSQL with a certificate for localhost."""
    async with fronted(database_url, authority.server("localhost")) as front:
        yield front


def postgres_at(front: Front, database_url: str, host: str = "localhost", **given: str) -> str:
    parts = urlsplit(database_url)
    query = "&".join(f"{name}={value}" for name, value in given.items())
    return f"postgres://{parts.username}@{host}:{front.port}{parts.path}?{query}"


@postgres_only
async def test_all_is_done_over_a_wire_that_is_checked(
    front: Front, database_url: str, authority: Authority
) -> None:
    url = postgres_at(front, database_url, sslmode="verify-full", sslrootcert=str(authority.root))
    async with serving(url, bus_url=url) as server:
        assert (await server.client.get("/readyz")).json() == {"database": True, "bus": True}
        assert await server.data("{ queues { name } }")
        assert b"Overdue recall" in front.read, "the queues were made through it"
    code, said = await run("doctor", CALLBOARD_DATABASE_URL=url, CALLBOARD_BUS_URL=url)
    assert (code, "hunter2" in said) == (0, False), said


@postgres_only
@pytest.mark.parametrize(
    ("host", "given", "why"),
    [
        # Its certificate is for localhost.
        ("127.0.0.1", {"sslmode": "verify-full"}, "certificate is not accepted (IP address mis"),
        ("127.0.0.1", {"sslmode": "verify-ca"}, None),
        # No authority of this machine vouches for it.
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "system"}, "not accepted (unable"),
        ("localhost", {"sslmode": "verify-ca", "sslrootcert": "system"}, "not accepted (unable"),
        ("localhost", {"sslmode": "require", "sslrootcert": "system"}, None),
    ],
)
async def test_a_certificate_that_is_not_the_servers_is_refused(
    front: Front,
    database_url: str,
    authority: Authority,
    host: str,
    given: dict[str, str],
    why: str | None,
) -> None:
    url = postgres_at(front, database_url, host, **{"sslrootcert": str(authority.root)} | given)
    if why is None:
        async with opened(url):
            assert await fetch(Id, "SELECT 1")
        await (await PostgresLine.open(url, lambda _: None)).close()
        return
    with pytest.raises(CannotOpen) as refused:
        async with opened(url):
            pass
    assert why in str(refused.value)
    with pytest.raises(OSError, match="certificate verify failed"):
        await PostgresLine.open(url, lambda _: None)
    assert front.read == b""


@postgres_only
async def test_a_server_that_declines_tls_learns_nothing(
    database_url: str, authority: Authority
) -> None:
    async with fronted(database_url, None) as front:
        for mode in ("require", "verify-full"):
            url = postgres_at(front, database_url, sslmode=mode)
            with pytest.raises(CannotOpen, match="it offers no TLS, and sslmode asks for it"):
                async with opened(url):
                    pass
            with pytest.raises(ConnectionError):
                await PostgresLine.open(url, lambda _: None)
        assert front.read == b""
        async with opened(postgres_at(front, database_url, sslmode="prefer")):
            assert b"callboard" in front.read


@pytest.fixture(params=["postgres", "redis"])
async def bus(
    request: pytest.FixtureRequest, authority: Authority
) -> AsyncIterator[tuple[Front, str]]:
    """A bus with a certificate for localhost, and its URL."""
    server = request.getfixturevalue(f"{request.param}_url")
    async with fronted(server, authority.server("localhost")) as front:
        if request.param == "redis":
            yield front, f"rediss://localhost:{front.port}?sslrootcert={authority.root}"
        else:
            given = {"sslmode": "verify-full", "sslrootcert": str(authority.root)}
            yield front, postgres_at(front, server, **given)


async def test_rings_come_through_encrypted(bus: tuple[Front, str]) -> None:
    front, url = bus
    async with listening(url) as ears:
        ears.bus.ring(7, 806)
        await ears.until((7, 806))
    assert b"7:806" in front.read or b"806" in front.read


@pytest.mark.parametrize("bus", ["redis"], indirect=True)
async def test_a_redis_that_is_not_the_one_that_was_named_hears_nothing(
    bus: tuple[Front, str],
) -> None:
    front, url = bus
    for other in (url.replace("localhost", "127.0.0.1"), url.partition("?")[0]):
        with pytest.raises(Exception, match="certificate verify failed"):
            await RedisLine.open(other, lambda _: None)
    assert front.read == b""
    line = await RedisLine.open(f"{url.partition('?')[0]}?sslmode=require", lambda _: None)
    await line.close()
    assert front.read

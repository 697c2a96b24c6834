"""The event loop that serves."""

import asyncio
import ssl

import pytest

from gql_app.web.loop import Loop
from tests.serving import PATIENCE


def test_a_client_that_begins_tls_and_says_nothing_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gql_app.web.loop.HANDSHAKE_SECONDS", 0.1)

    async def wait_for_the_end() -> bytes:
        encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=encrypted)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await asyncio.wait_for(reader.read(), PATIENCE)
            finally:
                writer.close()

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(wait_for_the_end()) == b""

"""`callboard serve` over HTTPS, and what it does not serve at all."""

import shutil
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from models.database import opened
from tests.commands.running import Shell, nobody_served
from tests.flows.commands import free_port, running
from tests.office import make_office
from tests.serving import TestSocket
from tests.tls import Authority


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"


async def test_requests_and_sockets_come_by_https(database: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.files("localhost")
    trusted = ssl.create_default_context(cafile=authority.root)
    async with opened(database):
        office = await make_office()
    port = str(free_port())
    files = ("--ssl-certfile", str(certificate), "--ssl-keyfile", str(key))
    serve = ("serve", "--host", "localhost", "--port", port, *files)
    async with running(*serve, CALLBOARD_DATABASE_URL=database) as server:
        await server.prints(f"Callboard serves at https://localhost:{port}/graphql;")
        async with httpx.AsyncClient(
            base_url=f"https://localhost:{port}", verify=trusted
        ) as client:
            answer = await client.get("/healthz")
            assert (answer.text, answer.headers["strict-transport-security"]) == (
                "ok\n",
                "max-age=31536000",
            )
        protocols = [Subprotocol("graphql-transport-ws")]
        url = f"wss://localhost:{port}/graphql"
        async with (
            connect(url, subprotocols=protocols, ssl=trusted) as connection,
            TestSocket(connection) as socket,
        ):
            await socket.init(office.keys["staff"])
            await socket.subscribe("{ viewer { name } }")
            assert await socket.next_data() == {"viewer": {"name": "Staff of maple"}}
    assert "Traceback" not in server.output


@pytest.fixture
def shell(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(monkeypatch, capsys, database_url=database)


async def test_a_certificate_that_cannot_be_served_with_is_told_in_one_line(
    shell: Shell, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path).files("localhost")
    (tmp_path / "other").mkdir()
    _, other = Authority(tmp_path / "other").files("localhost")
    for given, said in (
        (("--ssl-keyfile", str(key)), "--ssl-keyfile is of no use without --ssl-certfile"),
        (("--ssl-certfile", str(tmp_path / "none.pem")), "none.pem: No such file"),
        (("--ssl-certfile", str(certificate)), "cannot be used: "),
        (("--ssl-certfile", str(certificate), "--ssl-keyfile", str(other)), "KEY_VALUES_MISMATCH"),
    ):
        ended = await shell("serve", "--port", "0", *given)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
        assert said in ended.err


async def test_beyond_loopback_the_names_of_the_server_have_to_be_said(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    there = ("--host", "0.0.0.0", "--port", "0")
    with nobody_served(monkeypatch):
        for verb in ("serve", "demo"):
            ended = await shell(verb, *there)
            assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
            assert "--host 0.0.0.0 can be reached from elsewhere: name the hosts" in ended.err
        assert not (tmp_path / ".callboard-demo").exists()
        shell.set(allowed_hosts="board.example")
        assert (await shell("serve", *there)).code == 0
        assert "what is sent to other machines goes in clear text" in caplog.text
        caplog.clear()
        assert (await shell("serve", "--port", "0")).code == 0
        assert caplog.text == ""


async def test_every_verb_refuses_to_send_passwords_in_clear_text(shell: Shell) -> None:
    shell.set(database_url="postgres://me:hunter2@db.example/board?sslmode=prefer")
    for verb in (("serve", "--port", "0"), ("doctor",), ("prune",), ("migrate",)):
        ended = await shell(*verb)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert "CALLBOARD_DATABASE_URL would go over the network in clear text" in ended.err
        assert "hunter2" not in ended.err

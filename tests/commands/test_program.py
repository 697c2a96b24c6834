"""What holds for every verb: its help, and one line for whatever is wrong."""

import argparse
import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from gql_app import cli, terminal
from gql_app.commands.verbs import parser
from tests.commands.running import Shell
from tests.flows.commands import COMMAND, PATIENCE, free_port, running

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VERBS = {
    "migrate": (),
    "expire": (),
    "prune": (),
    "verify": (),
    "doctor": (),
    "practices create": ("elm", "--name", "Elm", "--time-zone", "UTC"),
    "practices list": (),
    "practices set": ("elm", "--name", "Elm"),
    "keys create": ("--practice", "elm", "--role", "staff", "--name", "Kim"),
    "keys list": ("--practice", "elm"),
    "keys revoke": ("--practice", "elm", "1"),
    "queues set": ("--practice", "elm", "--queue", "Recall", "--ladder", "1"),
    "import": ("tasks.csv", "--practice", "elm", "--queue", "Recall"),
}
"""All that need a database, but `serve`, which is tried in tests/flows/test_cannot_open.py."""


def walk(program: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield program
    for action in program._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert {choice.dest for choice in action._choices_actions if choice.help} == set(
                action.choices
            )
            for verb in action.choices.values():
                yield from walk(verb)


def test_every_verb_and_every_argument_says_what_it_is_for() -> None:
    programs = list(walk(parser()))
    silent = [
        f"{program.prog} {action.metavar or action.dest}"
        for program in programs
        for action in program._actions
        if not action.help
    ]
    assert silent == []
    assert [program.prog for program in programs if not program.description] == []
    leaves = {program.prog.removeprefix("callboard ") for program in programs}
    assert leaves >= VERBS.keys()
    for program in programs:
        program.format_help()


def test_what_carries_a_verb_out_is_there() -> None:
    leaves = [program for program in walk(parser()) if program._subparsers is None]
    assert len(leaves) > len(VERBS)
    for leaf in leaves:
        module, _, function = leaf.get_default("run").rpartition(".")
        assert callable(getattr(import_module(f"gql_app.commands.{module}"), function))


HELP = """
import sys
from gql_app import cli
try:
    cli.main()
finally:
    print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


async def test_help_imports_nothing_that_only_a_verb_needs() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HELP, "--help", stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    loaded = set(printed.decode().partition("loaded: ")[2].split())
    assert {"argparse", "gql_app"} <= loaded
    heavy = {"asyncpg", "graphql", "phonenumbers", "redis", "rich", "starlette", "strawberry"}
    assert not loaded & (heavy | {"tortoise", "uvicorn", "websockets"})


WRONG = {
    "serve --port 65536": "--port: a port is from 0 to 65,535, not '65536'",
    "serve --port 8o": "--port: a port",
    "serve --port -1": "--port",
    "demo --port 99999999999999999999999999": "--port: a port",
    "serve --host .x": "--host .x is not an address",
    "serve --workers 0": "--workers: a number of processes is from 1",
    "keys create --practice elm --role boss --name Kim": "--role: invalid choice: 'boss'",
    "keys create --practice elm --role staff --name \u00a0\u200b": "--name is empty",
    f"keys create --practice elm --role staff --name {'x' * 201}": "--name has 201 characters",
    "keys create --practice elm --role staff --name a\x1b[2J": "has a character that cannot be",
    "keys create --practice elm --role staff --name Kim --expires 2020-01-01": "is in the past",
    "keys create --practice elm --role staff --name Kim --expires soon": "not 'soon'",
    "keys create --practice elm --role staff --name Kim --expires 9999-12-31T23:59-12:00": "not '9",
    "keys list --practice a\udcff": "is not UTF-8",
    "keys list --practice oak": "There is no practice 'oak'",
    "keys revoke --practice elm 99999999999999999999": "ID: a number from the list is from 1",
    "queues set --practice elm --queue Recall --ladder 7,1": "ladder",
    "practices set elm": "nothing to change",
    "watch --url http://127.0.0.1:99999 --key k": "is no address such as http://127.0.0.1:8000",
    "watch --url ftp://127.0.0.1 --key k": "is no address",
    "import tasks.csv --practice elm --queue Recall": "FILE_NOT_READABLE: tasks.csv",
    "nonsense": "invalid choice: 'nonsense'",
    "": "required: VERB",
}


@sqlite_only
async def test_what_cannot_be_is_refused_in_one_line(shell: Shell) -> None:
    names = ("--name", "Elm", "--time-zone", "UTC", "--queue", "Recall")
    assert (await shell("practices", "create", "elm", *names)).code == 0
    for line, said in WRONG.items():
        ended = await shell(*(line.split(" ") if line else ()))
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), line
        assert said in ended.err, line
        assert ended.err.startswith("callboard: ")
    assert (await shell("keys", "list", "--practice", "elm")).out.count("\n") == 1


@pytest.mark.parametrize("away", ["a path that is a slip", "a server", "a server's name", "a part"])
async def test_a_database_that_cannot_be_had_is_told_in_one_line_by_every_verb(
    away: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.csv").write_text("external_id,name,phone,reason\n")
    urls = {
        "a path that is a slip": f"sqlite://{tmp_path}/callbord.sqlite3",
        "a server": f"postgres://me:hunter2@127.0.0.1:{free_port()}/callboard",
        "a server's name": "postgres://me:hunter2@no-such-host.invalid/callboard",
        "a part": "postgres://me:hunter2@127.0.0.1/callboard?maxsize=many",
    }
    shell = Shell(monkeypatch, capsys, database_url=urls[away])
    for verb, arguments in VERBS.items():
        if verb == "migrate" and urls[away].startswith("sqlite"):
            continue
        ended = await shell(*verb.split(" "), *arguments)
        if verb == "doctor":
            assert (ended.code, ended.out.count("\n")) == (1, 3)
        else:
            assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), verb
        assert "hunter2" not in ended.out + ended.err
    assert not (tmp_path / "callbord.sqlite3").exists()


@sqlite_only
async def test_a_key_for_watch_may_be_in_the_environment_of_every_verb(shell: Shell) -> None:
    shell.set(key="cb_1_x")
    assert (await shell("practices", "list")).code == 0


@sqlite_only
async def test_serve_says_where_it_listens_and_ctrl_c_ends_it_without_a_traceback(
    database_url: str,
) -> None:
    # Nobody needs to reach that bus: writes go on, and it is tried again.
    bus = f"redis://me:hunter2@127.0.0.1:{free_port()}/1"
    environ = {"CALLBOARD_DATABASE_URL": database_url, "CALLBOARD_BUS_URL": bus}
    async with running("serve", "--port", "0", **environ) as server:
        await server.prints("Ctrl-C stops it.")
        assert await server.end(signal.SIGINT) == 130
    port = bus.rpartition(":")[2]
    said = rf"Callboard serves at http://127.0.0.1:\d+/graphql; database {database_url},"
    assert re.match(rf"{said} bus redis://127.0.0.1:{port}\. ", server.output)
    assert "Traceback" not in server.output
    assert "hunter2" not in server.output


@sqlite_only
async def test_nobody_has_to_read_it_all(shell: Shell) -> None:
    assert (await shell("practices", "create", "elm", "--name", "Zoë", "--time-zone", "UTC")).out
    command = f"{COMMAND} practices list"
    ends = "; echo ended ${PIPESTATUS[0]}"
    for line, said in (
        (f"{command} | true{ends}", b"ended 141"),
        (f"env -u PYTHONUNBUFFERED {COMMAND} --help | true{ends}", b"ended 0"),
        (f"PYTHONIOENCODING=ascii {command}{ends}", b"Zo\\xeb\tUTC"),
    ):
        bash = await asyncio.create_subprocess_exec("bash", "-c", line, stdout=PIPE, stderr=STDOUT)
        printed, _ = await asyncio.wait_for(bash.communicate(), PATIENCE)
        assert said in printed
        assert b"Traceback" not in printed
        assert b"Exception" not in printed


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (terminal.CannotPrint(BrokenPipeError()), 141, ""),
        (terminal.CannotPrint(OSError(28, "No space left")), 2, "cannot be written to: No space"),
        (OSError(28, "No space left on device", "x.csv"), 2, "callboard: x.csv: No space left"),
    ],
)
def test_what_ends_a_verb_from_outside_leaves_no_traceback(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def raise_it(*_: object) -> int:
        raise raised

    monkeypatch.setattr("gql_app.commands.upkeep.migrate", raise_it)
    monkeypatch.setattr("sys.argv", ["callboard", "migrate"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--version"])
    assert capsys.readouterr().out == f"callboard {version('callboard')}\n"

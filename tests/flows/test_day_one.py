"""The commands of "Day one" in docs/operations.md, run as they stand: install, backup, restore."""

import asyncio
import os
import re
import shlex
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from benchmarks.wheel import programs
from models.access import AccessKey
from models.database import opened
from models.practice import Practice
from models.roles import Role
from models.task import Task
from tests.commands.running import Shell
from tests.office import make_office
from tests.support.access import create_key, revoke_key

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCK = re.compile(r"^<!-- run: (.+?) -->\n```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS = dict(BLOCK.findall(PAGE))
BACKED_UP = "2026-11-27T03:00Z"


class Terminal:
    """Runs the lines of a block in a folder, with other names for some places. What `callboard`
    does is done in this process."""

    def __init__(self, shell: Shell, folder: Path, **named: str) -> None:
        self.shell, self.folder, self.named = shell, folder, named
        self.said = ""

    async def run(self, text: str) -> None:
        for named, here in self.named.items():
            text = text.replace(named, here)
        for line in text.splitlines():
            await self._run(line)

    async def _run(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        match words:
            case []:
                pass
            case ["export", setting]:
                name, _, value = setting.partition("=")
                self.shell.set(**{name.removeprefix("CALLBOARD_"): value})
            case ["cd", folder]:
                assert Path(folder) == self.folder
            case ["sh", script]:
                await self.run((self.folder / script).read_text())
            case ["callboard", *arguments]:
                into = arguments[-1] if ">" in arguments else None
                ended = await self.shell(*arguments[: -2 if into else None])
                assert ended.code == 0, (line, ended.err)
                self.said = ended.out
                if into:
                    (self.folder / into).write_text(ended.out)
            case _:
                process = await asyncio.create_subprocess_shell(line, cwd=self.folder)
                assert await process.wait() == 0, line


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capsys)


def test_the_page_has_the_blocks_that_are_run() -> None:
    assert BLOCKS.keys() == {"install", "backup", "restore sqlite", "restore postgres"}


async def test_one_machine_is_installed_backed_up_and_restored(
    shell: Shell, tmp_path: Path
) -> None:
    terminal = Terminal(shell, tmp_path, **{"/var/lib/callboard": str(tmp_path)})
    await terminal.run(BLOCKS["install"])
    assert "ok: practices, queues and keys" in terminal.said
    url = f"sqlite://{tmp_path}/callboard.sqlite3"
    async with opened(url):
        maple = await Practice.get(slug="maple")
        await create_key(maple, Role.STAFF, "Lost laptop")
        key = await AccessKey.all().order_by("-id").first()
    assert key is not None
    await terminal.run(BLOCKS["backup"])
    moment = terminal.said.partition(" as of ")[2].partition(",")[0]
    async with opened(url):
        await AccessKey.filter(id=key.id).update(created_at=key.created_at.replace(year=2025))
        await revoke_key(maple, key.id)
        await make_office("oak")
    terminal.named[BACKED_UP] = moment
    await terminal.run(BLOCKS["restore sqlite"])
    async with opened(url):
        assert (await AccessKey.get(id=key.id)).revoked_at is not None
        assert not await Practice.filter(slug="oak").exists()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.skipif(
    bool(os.environ.get("CALLBOARD_TEST_DATABASE_URL")), reason="the database is somebody else's"
)
async def test_postgresql_is_restored_under_its_name(
    shell: Shell, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _, folder = database_url.partition("?host=")
    name, role = address.rpartition("/")[2], f"app_{uuid4().hex[:8]}"
    monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PGHOST", folder)
    monkeypatch.setenv("PGUSER", "postgres")
    shell.set(database_url=database_url)
    async with opened(database_url):
        office = await make_office()
        await office.make_task()
    (tmp_path / "backups").mkdir()
    backup = tmp_path / "backups" / "2026-11-27.dump"
    taken = await shell("backup", str(backup))
    assert taken.code == 0, taken.err
    async with opened(database_url):
        await office.make_task()
    admin = await asyncpg.connect(database_url.replace(f"/{name}?", "/postgres?"))
    try:
        await admin.execute(f"CREATE ROLE {role} LOGIN")
        names = {
            BACKED_UP: "2030-01-01",
            "DATABASE callboard ": f"DATABASE {name} ",
            "callboard_before": f"{name}_before",
            "createdb callboard": f"createdb {name}",
            "--dbname=callboard ": f"--dbname={name} ",
            "callboard_app": role,
        }
        await Terminal(shell, tmp_path, **names).run(BLOCKS["restore postgres"])
        async with opened(database_url):
            assert await Task.all().count() == 1
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name}_before WITH (FORCE)")
        await admin.close()

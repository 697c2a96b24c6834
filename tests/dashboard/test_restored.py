"""A page that saw what is gone since the database was restored: it shows what is there now."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from benchmarks.backups import Backup
from tests.dashboard.conftest import SignIn
from tests.serving import Server
from tests.web.streams import log_over_http

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("afterwards", [0, 1])
async def test_a_page_equals_a_fresh_one_after_a_restore(
    server: Server, sign_in: SignIn, tmp_path: Path, afterwards: int
) -> None:
    task = await server.office.make_task(reason="Recall for a cleaning")
    other = await server.office.make_task(
        patient=server.office.patients[1], reason="Missed the cleaning"
    )
    backup = Backup(f"sqlite://{tmp_path / 'callboard.sqlite3'}")
    dashboard = await sign_in()
    await backup.take()  # with the session in it: one that began later would be gone
    row = dashboard.row("Recall for a cleaning")
    await expect(row).to_contain_text("Open")
    for _ in range(3):
        await log_over_http(server, task)
    await expect(row).to_contain_text("In Progress")
    await backup.restore()
    for _ in range(afterwards):
        await log_over_http(server, other)
    await expect(row).not_to_contain_text("In Progress")
    await dashboard.is_live()
    fresh = await sign_in()
    await expect(fresh.rows).to_have_count(2)
    assert await dashboard.shown() == await fresh.shown()

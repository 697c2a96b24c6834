"""`callboard queues`: made, listed, changed and archived, by the same rules as everywhere."""

from pathlib import Path

import pytest

from models.database import opened
from models.practice import Queue
from models.task import Task
from tests.commands.running import Shell
from tests.office import make_office

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MAPLE = ("--practice", "maple")


async def names(shell: Shell) -> list[str]:
    lines = (await shell("queues", "list", *MAPLE)).out.splitlines()
    return [line.partition("\t")[0] for line in lines if line.endswith("in use")]


async def test_a_queue_is_made_changed_and_archived(
    shell: Shell, database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url):
        office = await make_office()
        task = await office.make_task()
    script = tmp_path / "script.md"
    script.write_text("## Hello\n")
    given = ("--ladder", "1, 7", "--automatic-life", "90", "--closes-on-appointment", "yes")
    kinds = ("--appointment-kinds", "Cleaning, Crown", "--missed-appointments", "yes")
    more = ("--max-attempts", "5", "--script", str(script), "--position", "1")
    made = await shell("queues", "create", *MAPLE, "--name", "Plans", *given, *kinds, *more)
    assert (made.code, made.out, made.err) == (0, "", "")
    assert await names(shell) == ["Plans", "Overdue recall", "Missed appointments"]
    set_to = ("--name", "Treatment plans", "--ladder", "", "--position", "3")
    assert (await shell("queues", "set", *MAPLE, "--queue", "plans", *set_to)).code == 0
    assert await names(shell) == ["Overdue recall", "Missed appointments", "Treatment plans"]
    archived = ("--queue", "Overdue recall", "--move-to", "Treatment plans")
    ended = await shell("queues", "archive", *MAPLE, *archived)
    assert (ended.code, ended.out) == (0, "Open tasks moved: 1\n")
    async with opened(database_url):
        queue = await Queue.get(name="Treatment plans")
        assert (await Task.get(id=task.id)).queue_id == queue.id
        assert (queue.script, queue.follow_up_ladder, queue.max_attempts) == ("## Hello", None, 5)
        assert (queue.appointment_kinds, queue.missed_appointments) == (
            '["Cleaning", "Crown"]',
            True,
        )
    assert "takes missed ones (Cleaning, Crown)" in (await shell("queues", "list", *MAPLE)).out
    to_none = ("--appointment-kinds", "", "--missed-appointments", "no")
    assert (await shell("queues", "set", *MAPLE, "--queue", "Treatment plans", *to_none)).code == 0
    async with opened(database_url):
        assert await Queue.filter(
            name="Treatment plans", appointment_kinds=None, missed_appointments=False
        ).exists()
    assert await names(shell) == ["Missed appointments", "Treatment plans"]
    back = await shell("queues", "set", *MAPLE, "--queue", "Overdue recall", "--bring-back")
    assert back.code == 0
    assert len(await names(shell)) == 3


WRONG = {
    ("create", "--name", "overdue RECALL"): "queue is called 'Overdue recall'",
    ("create", "--name", "New", "--ladder", "7,1"): "increasing numbers of days",
    ("create", "--name", "New", "--automatic-life", "ten"): "from 1 to 3,650, not 'ten'",
    ("set", "--queue", "Overdue recall", "--max-attempts", "0"): "from 1 to 100, not '0'",
    ("set", "--queue", "Overdue recall", "--appointment-kinds", "x" * 101): "at most 100",
    ("set", "--queue", "Overdue recall"): "nothing to change",
    ("set", "--queue", "Nothing", "--ladder", "1"): "There is no queue 'Nothing'",
    ("archive", "--queue", "Overdue recall", "--move-to", "Overdue recall"): "no such other queue",
}


@sqlite_only
async def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        await make_office()
        before = await Queue.all().values()
    for (verb, *given), said in WRONG.items():
        ended = await shell("queues", verb, *MAPLE, *given)
        assert (ended.code, ended.err.count("\n")) == (2, 1), given
        assert said in ended.err
    async with opened(database_url):
        assert await Queue.all().values() == before


@sqlite_only
async def test_a_file_is_not_imported_into_an_archived_queue(
    shell: Shell, database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url):
        await make_office()
    assert (await shell("queues", "archive", *MAPLE, "--queue", "Overdue recall")).code == 0
    (tmp_path / "t.csv").write_text("external_id,name,phone,reason\nt1,Fern,2175550123,Recall\n")
    ended = await shell("import", "t.csv", *MAPLE, "--queue", "Overdue recall")
    assert ended.code != 0
    assert "archived" in ended.err

"""`callboard practices apply`: practices and their queues become what a file says.

The file can be applied any number of times: what is so already is not changed. What it does not
name stays as it is, and a practice that is not there is made.
"""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from gql_app.commands.changing import changing, insist
from gql_app.commands.practice_files import Wanted, read_practices
from gql_app.commands.practices import print_created
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.changes import Change, Changes
from gql_app.work.practices import CreatedPractice, NewPractice, create_practice, update_practice
from gql_app.work.queues import create_queue, lock_queues, order_queues, update_queue
from gql_app.work.reads.practices import find_practice
from gql_app.work.reads.queues import QueueRow
from models.practice import Practice


class _Tried(Exception):
    """Raised at the end of a trial, so that nothing of it stays."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say what is different, a line each; with `--dry-run`, what would be."""
    wanted = read_practices(arguments.file)

    async def run() -> None:
        async with changing(settings, "practices apply") as changes:
            there = {practice.slug: practice for practice in await Practice.all()}
            # Before anything is changed: a practice that is not there may lack something.
            ready = [one if one.slug in there else one.in_full() for one in wanted]
            for one in ready:
                await _apply(changes, one, there.get(one.slug), is_trial=arguments.dry_run)

    asyncio.run(run())
    return 0


async def _apply(
    changes: Changes, wanted: Wanted, practice: Practice | None, *, is_trial: bool
) -> None:
    if practice is None:
        await _create(changes, wanted, is_trial=is_trial)
        return
    try:
        lines = await changes.make_for(practice.id, _make_so, wanted, is_trial)
    except _Tried as tried:
        lines = tried.lines
    for line in lines or ["no change"]:
        say(f"{wanted.slug}: {line}")


async def _create(changes: Changes, wanted: Wanted, *, is_trial: bool) -> None:
    new = NewPractice(wanted.slug, **wanted.settings, queues=wanted.queues)
    created: CreatedPractice | None = None
    if not is_trial:
        created = await create_practice(changes, new)
    say(f"{wanted.slug}: made, with {len(new.queues)} queue{'s' * (len(new.queues) > 1)}")
    if created is not None:
        print_created(created)


async def _make_so(change: Change, wanted: Wanted, is_trial: bool) -> list[str]:
    """Change a practice and its queues. Returns what was different. Raises `BadValue`, and `_Tried`
    in a trial."""
    lines: list[str] = []
    before = (await find_practice(change.practice_id))._asdict()
    practice = await update_practice(change, wanted.settings)
    insist(practice.refusals)
    after = practice.practice._asdict()
    lines += [_difference(name, before, after) for name in practice.changed]
    ids = []
    known = {row.name.casefold(): row for row in await lock_queues(change.practice_id)}
    for given in wanted.queues:
        queue = known.get(str(given["name"]).casefold())
        ids.append(await _make_queue_so(change, queue, given, lines))
    if ids and await order_queues(change, ids):
        lines.append("queues put in order")
    if is_trial:
        raise _Tried(lines)
    return lines


async def _make_queue_so(
    change: Change, queue: QueueRow | None, given: Mapping[str, Any], lines: list[str]
) -> int:
    """Create or change a queue, and add what was different to the lines. Returns its number."""
    name = given["name"]
    if queue is None:
        made = await create_queue(change, given)
        lines.append(f"queue {name!r} made")
    else:
        made = await update_queue(change, queue.id, given, bring_back=True)
    insist(made.refusals)
    assert made.queue is not None
    if queue is not None:
        before, after = queue._asdict(), made.queue._asdict()
        of_queue = f"queue {queue.name!r}"
        lines += [f"{of_queue}: {_difference(column, before, after)}" for column in made.changed]
    return made.queue.id


def _difference(column: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if column == "archived_at":
        return "brought back"
    if column not in before:  # a script is long
        return f"another {column}"
    return f"{column}: {_shown(before[column])} -> {_shown(after[column])}"


def _shown(value: object) -> str:
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)

"""`callboard queues`: create, list, change and archive them."""

import argparse
import asyncio
from pathlib import Path

from gql_app.access.keys import command_line_viewer, practice_called, queues_called
from gql_app.commands.changing import admin, changing, insist
from gql_app.settings import Settings
from gql_app.terminal import say
from gql_app.work.archiving import ArchivedQueue, archive_queue
from gql_app.work.queues import QueueResult, create_queue, update_queue
from gql_app.work.reads.queues import QueueRow, kinds_of, visible_queues
from models.checks import BadValue
from models.database import opened
from models.refusals import RefusalCode

_ANSWERS = {"yes": True, "no": False}


def create(arguments: argparse.Namespace, settings: Settings) -> int:
    async def run() -> QueueResult:
        async with changing(settings, "queues create") as changes:
            practice = await practice_called(arguments.practice)
            given = {"name": arguments.name} | _given(arguments)
            place = _place(arguments)
            return await changes.make_for(practice.id, create_queue, given, place)

    insist(asyncio.run(run()).refusals)
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a queue, in their order."""

    async def run() -> list[QueueRow]:
        async with opened(settings.database_url, settings.limits):
            practice = await practice_called(arguments.practice)
            viewer = command_line_viewer(practice, 0, "")
            return await visible_queues(viewer, with_archived=True)

    for queue in asyncio.run(run()):
        say(
            queue.name,
            f"ladder {queue.follow_up_ladder}" if queue.follow_up_ladder else "no ladder",
            f"{queue.automatic_life_days:,} days" if queue.automatic_life_days else "no end",
            _attempts(queue),
            "closes on appointment" if queue.closes_on_appointment else "stays on appointment",
            _missed(queue),
            "archived" if queue.archived_at else "in use",
        )
    return 0


def change(arguments: argparse.Namespace, settings: Settings) -> int:
    given = _given(arguments)
    if arguments.name is not None:
        given["name"] = arguments.name
    place = _place(arguments)
    if not given and place is None and not arguments.bring_back:
        raise BadValue("nothing to change: queues set --help says what can be")

    async def run() -> QueueResult:
        async with changing(settings, "queues set") as changes:
            practice = await practice_called(arguments.practice)
            (queue_id,) = await queues_called(practice, [arguments.queue])
            bring_back = arguments.bring_back
            return await changes.make_for(
                practice.id, update_queue, queue_id, given, place, bring_back=bring_back
            )

    insist(asyncio.run(run()).refusals)
    return 0


def archive(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say what became of the open tasks."""

    async def run() -> ArchivedQueue:
        async with changing(settings, "queues archive") as changes:
            practice = await practice_called(arguments.practice)
            (queue_id,) = await queues_called(practice, [arguments.queue])
            move_to = None
            if arguments.move_to is not None:
                (move_to,) = await queues_called(practice, [arguments.move_to])
            viewer = await admin(changes, practice)
            return await archive_queue(changes, viewer, queue_id, move_to=move_to)

    archived = asyncio.run(run())
    done = "closed" if arguments.move_to is None else "moved"
    if archived.tasks or not archived.queue.refusals:
        say(f"Open tasks {done}: {archived.tasks:,}")
    insist(archived.queue.refusals)
    return 0


def _given(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given, but for the name; "" takes one away."""
    given: dict[str, object] = {
        "follow_up_ladder": arguments.ladder,
        "automatic_life_days": arguments.automatic_life,
        "max_attempts": arguments.max_attempts,
    }
    given["appointment_kinds"] = arguments.appointment_kinds
    for name in ("closes_on_appointment", "missed_appointments", "closes_at_max_attempts"):
        if (answer := getattr(arguments, name)) is not None:
            given[name] = _ANSWERS[answer]
    if arguments.script is not None:
        given["script"] = _text_in(arguments.script)
    return {name: value for name, value in given.items() if value is not None}


def _attempts(queue: QueueRow) -> str:
    if not queue.max_attempts:
        return "any attempts"
    then = "close" if queue.closes_at_max_attempts else "review"
    return f"{queue.max_attempts} attempts, then {then}"


def _missed(queue: QueueRow) -> str:
    """What a queue says of missed appointments, and which kinds it means."""
    takes = "takes missed ones" if queue.missed_appointments else "takes no missed ones"
    kinds = kinds_of(queue)
    return f"{takes} ({', '.join(kinds)})" if kinds else takes


def _text_in(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadValue(f"{file} is not UTF-8", RefusalCode.TEXT_INVALID) from None


def _place(arguments: argparse.Namespace) -> int | None:
    """The place as it is counted inside, from 0."""
    return None if arguments.position is None else arguments.position - 1

"""The verbs that set up, `practices` and `queues`, with their arguments."""

import argparse
from pathlib import Path

from gql_app.commands import arguments as read
from gql_app.commands.arguments import Verbs, add_practice
from models.rest import LONGEST_REST, SAME_DAY

FIRST_QUEUE = "Follow-ups"
"""The queue of a practice that is made without one: tasks need one."""

ZONE = "the time zone whose days count, such as America/Chicago"
REGION = "the region whose telephone numbers need no country code, such as US"


def add_practices(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("practices", "create, list, change and archive practices"))
    purpose = "make a practice, and print an admin's key and a link that signs in"
    verb = verbs.add("create", purpose, "practices.create")
    verb.add_argument("slug", metavar="SLUG", help="a short name for commands, such as maple")
    verb.add_argument("--name", required=True, metavar="NAME", help="what people call it")
    verb.add_argument("--time-zone", required=True, metavar="ZONE", help=ZONE)
    verb.add_argument(
        "--region", metavar="CODE", help=f"{REGION}; the time zone's unless it is given"
    )
    verb.add_argument(
        "--queue",
        action="append",
        metavar="NAME",
        help=f'a queue, may be repeated; "{FIRST_QUEUE}" unless one is given',
    )
    verbs.add("list", "show all practices", "practices.show")
    _add_set(verbs)
    purpose = "let nobody come in any more; nothing is removed"
    verb = verbs.add("archive", purpose, "practices.archive")
    verb.add_argument("slug", type=read.text, metavar="SLUG", help="its short name")
    verb.add_argument("--bring-back", action="store_true", help="let people come in again")
    verb = verbs.add("apply", "make practices and queues what a file says", "applying.run")
    verb.add_argument("file", type=Path, metavar="FILE", help="a .toml file")
    verb.add_argument("--dry-run", action="store_true", help="only show the difference")


def _add_set(verbs: Verbs) -> None:
    verb = verbs.add("set", "change a practice", "practices.change")
    verb.add_argument("slug", type=read.text, metavar="SLUG", help="its short name")
    verb.add_argument("--name", metavar="NAME", help="what people call it")
    verb.add_argument("--time-zone", metavar="ZONE", help=ZONE)
    verb.add_argument("--region", metavar="CODE", help=REGION)
    verb.add_argument(
        "--rest",
        metavar="HOURS",
        help=f"for how long a patient who was called is not handed out again: hours up to"
        f' {LONGEST_REST}, "{SAME_DAY}", or 0 for not at all',
    )
    verb.add_argument(
        "--undo-minutes",
        metavar="N",
        help="for how long those who have logged a contact may undo it, 0 to 120",
    )
    verb.add_argument(
        "--calling-hours",
        metavar="HOURS",
        help='when patients may be called, such as "Mon-Fri 08:00-18:00, Sat 09:00-12:00"; "" for'
        " any time",
    )
    verb.add_argument(
        "--holiday",
        action="append",
        metavar="DAY",
        help='a day on which nobody is called, such as "2026-12-25 Christmas": may be repeated, all'
        ' of them at once; "" for none',
    )
    verb.add_argument(
        "--oidc-issuer",
        metavar="URL",
        help='the identity provider by which its people may sign in; "" for none',
    )
    verb.add_argument(
        "--oidc-client-id", metavar="ID", help="what the identity provider calls this server"
    )


def add_queues(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("queues", "create, list, change and archive a practice's queues"))
    verb = verbs.add("create", "make a queue", "queues.create")
    add_practice(verb)
    verb.add_argument("--name", required=True, metavar="NAME", help="what people call it")
    _add_settings(verb)
    purpose = "show a practice's queues in their order"
    add_practice(verbs.add("list", purpose, "queues.show"))
    verb = verbs.add("set", 'change a queue; "" takes a setting away', "queues.change")
    add_practice(verb)
    _add_queue(verb)
    verb.add_argument("--name", metavar="NAME", help="another name for it")
    _add_settings(verb)
    verb.add_argument("--bring-back", action="store_true", help="use it again, if it is archived")
    verb = verbs.add("archive", "close or move a queue's open tasks, and hide it", "queues.archive")
    add_practice(verb)
    _add_queue(verb)
    verb.add_argument(
        "--move-to", metavar="NAME", help="the queue that its open tasks move to; else they close"
    )


def _add_queue(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--queue", required=True, type=read.text, metavar="NAME", help="the queue's name"
    )


def _add_settings(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--ladder", metavar="DAYS", help="when to call again, such as 1,7,21,60")
    verb.add_argument("--automatic-life", metavar="DAYS", help="how long automatic tasks live")
    verb.add_argument(
        "--closes-on-appointment",
        choices=("yes", "no"),
        help="whether automatic tasks close when their patient has an appointment",
    )
    verb.add_argument(
        "--appointment-kinds",
        metavar="KINDS",
        help='only appointments of these kinds count, such as "Cleaning, Check-up"',
    )
    verb.add_argument(
        "--missed-appointments",
        choices=("yes", "no"),
        help="whether an appointment that is missed makes a task here",
    )
    verb.add_argument("--max-attempts", metavar="N", help="how often to call at most")
    verb.add_argument(
        "--closes-at-max-attempts",
        choices=("yes", "no"),
        help="whether a task closes then; otherwise it waits for a supervisor",
    )
    verb.add_argument("--script", metavar="FILE", help="what the caller says, in Markdown")
    verb.add_argument(
        "--position", type=read.number, metavar="N", help="its place among the queues, from 1"
    )

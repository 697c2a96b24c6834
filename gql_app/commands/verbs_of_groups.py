"""The verbs about groups of practices, with their arguments."""

import argparse

from gql_app.commands.arguments import Verbs, add_practice, text


def add_groups(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("groups", "put practices into groups, and say who supervises them"))
    verb = verbs.add("create", "make a group of practices", "groups.create")
    verb.add_argument("slug", metavar="SLUG", help="a short name for commands, such as maple")
    verb.add_argument("--name", required=True, metavar="NAME", help="what people call it")
    verbs.add("list", "show all groups, with their practices and supervisors", "groups.show")
    purpose = "put practices into a group; its supervisors may look into them"
    _add_practices(verbs.add("add", purpose, "groups.add"))
    purpose = "take practices out of a group; who has signed in there supervises it no more"
    _add_practices(verbs.add("remove", purpose, "groups.remove"))
    purpose = "let a supervisor or an admin of one practice supervise the whole group"
    _add_person(verbs.add("appoint", purpose, "groups.appoint_one"))
    purpose = "let a person supervise the group no more; their visits end"
    _add_person(verbs.add("dismiss", purpose, "groups.dismiss_one"))


def _add_practices(verb: argparse.ArgumentParser) -> None:
    _add_group(verb)
    verb.add_argument(
        "practices",
        nargs="+",
        type=text,
        metavar="PRACTICE",
        help="a practice's short name, as practices list shows it",
    )


def _add_person(verb: argparse.ArgumentParser) -> None:
    _add_group(verb)
    add_practice(verb)
    verb.add_argument("name", type=text, metavar="NAME", help="their name, from `staff list`")


def _add_group(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "slug", type=text, metavar="GROUP", help="the group's short name, as groups list shows it"
    )

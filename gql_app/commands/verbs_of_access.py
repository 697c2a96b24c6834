"""The verbs about who may come in, `keys` and `staff`, with their arguments."""

import argparse

from gql_app.commands.arguments import Verbs, add_practice, days, moment, number, text
from models.roles import Role

FIRST_URL = "http://localhost:8000"
"""Where a server listens that was told nothing else. Passkeys need a name, not a number."""

ROLES_OF_PEOPLE = [role.lower() for role in Role if role is not Role.PARTNER]


def add_keys(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("keys", "create, list, rotate and revoke keys"))
    _add_create_key(verbs)
    purpose = "show a practice's keys, without their secrets"
    add_practice(verbs.add("list", purpose, "keys.show"))
    purpose = "print a new key with the rights of an old one, which ends after a while"
    verb = verbs.add("rotate", purpose, "keys.rotate")
    _add_key_id(verb)
    verb.add_argument(
        "--overlap",
        type=days,
        default=7,
        metavar="DAYS",
        help="how long both are valid; 7 days unless it is given",
    )
    purpose = "show what was done to keys and people since a moment, as commands"
    verb = verbs.add("changed", purpose, "access_since.run")
    verb.add_argument(
        "--since",
        required=True,
        type=moment,
        metavar="WHEN",
        help="such as 2027-01-31T18:00Z, the moment of the backup that is restored",
    )
    _add_key_id(verbs.add("revoke", "make a key invalid from now on", "keys.revoke"))


def _add_key_id(verb: argparse.ArgumentParser) -> None:
    add_practice(verb)
    verb.add_argument("id", type=number, metavar="ID", help="its number, from `keys list`")


def add_staff(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("staff", "invite, list, change and retire the people of a practice"))
    verb = verbs.add("invite", "print a link with which a person makes a passkey", "staff.invite")
    add_practice(verb)
    verb.add_argument("--name", required=True, metavar="NAME", help="what people call them")
    verb.add_argument(
        "--email", metavar="ADDRESS", help="for the identity provider, if there is one"
    )
    _add_role(verb, ROLES_OF_PEOPLE)
    _add_key_queues(verb)
    _add_url(verb)
    purpose = "show the people who were invited, and when they signed in last"
    add_practice(verbs.add("list", purpose, "staff.show"))
    _add_set_staff(verbs)
    purpose = "end what a person may do, and give their tasks back; what they did keeps their name"
    _add_name(verbs.add("retire", purpose, "staff.retire"))
    purpose = "bring a retired person back, and print a link for them"
    verb = verbs.add("restore", purpose, "staff.restore")
    _add_name(verb)
    _add_url(verb)


def _add_set_staff(verbs: Verbs) -> None:
    verb = verbs.add(
        "set", "change a person; if they may do something else, their sessions end", "staff.change"
    )
    _add_name(verb)
    verb.add_argument("--name", dest="new_name", metavar="NEW", help="what people call them now")
    verb.add_argument(
        "--email", metavar="ADDRESS", help='for the identity provider; "" takes it away'
    )
    _add_role(verb, ROLES_OF_PEOPLE, required=False)
    _add_key_queues(verb)
    verb.add_argument("--all-queues", action="store_true", help="no limit to some queues any more")


def _add_name(verb: argparse.ArgumentParser) -> None:
    add_practice(verb)
    verb.add_argument("name", type=text, metavar="NAME", help="their name, from `staff list`")


def _add_url(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--url",
        default=FIRST_URL,
        metavar="U",
        help=f"the address of your server; {FIRST_URL} unless it is given",
    )


def _add_create_key(verbs: Verbs) -> None:
    verb = verbs.add("create", "print a new key", "keys.create")
    add_practice(verb)
    _add_role(verb, [role.lower() for role in Role])
    verb.add_argument("--name", required=True, metavar="NAME", help="who acts through it")
    _add_key_queues(verb)
    verb.add_argument("--may-create-tasks", action="store_true", help="for partners")
    verb.add_argument(
        "--expires",
        type=moment,
        metavar="WHEN",
        help="when it ends, such as 2027-01-31T18:00Z; never unless it is given",
    )


def _add_role(verb: argparse.ArgumentParser, roles: list[str], *, required: bool = True) -> None:
    verb.add_argument(
        "--role",
        required=required,
        type=str.lower,
        choices=roles,
        metavar="ROLE",
        help=f"what it may do: {', '.join(roles)}",
    )


def _add_key_queues(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--queue", action="append", metavar="NAME", help="only this queue; may be repeated"
    )

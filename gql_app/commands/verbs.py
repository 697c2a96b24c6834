"""The verbs with their arguments. What carries a verb out is named here and imported only when it
is called: it takes most of a second, and --help needs none of it."""

import argparse
from importlib.metadata import version
from pathlib import Path

from gql_app.commands import arguments as read
from gql_app.commands.arguments import Parser, Verbs, add_practice
from gql_app.commands.verbs_of_access import add_keys, add_staff
from gql_app.commands.verbs_of_groups import add_groups
from gql_app.commands.verbs_of_practices import add_practices, add_queues
from gql_app.settings import WATCH_KEY


def parser() -> Parser:
    """All verbs with their arguments."""
    program = Parser("callboard", description="Live patient-contact task queues.")
    program.add_argument(
        "--version",
        action="version",
        version=f"callboard {version('callboard')}",
        help="print the version and exit",
    )
    verbs = Verbs(program)
    _add_serving(verbs)
    _add_upkeep(verbs)
    _add_export(verbs)
    _add_audit(verbs)
    add_practices(verbs)
    add_keys(verbs)
    add_staff(verbs)
    add_queues(verbs)
    add_groups(verbs)
    _add_import(verbs)
    _add_imports(verbs)
    _add_watch(verbs)
    verb = verbs.add("schema", "write schema.graphql", "schema.run")
    verb.add_argument("--check", action="store_true", help="only say whether it is up to date")
    return program


def _add_serving(verbs: Verbs) -> None:
    verb = verbs.add("demo", "serve a sample practice from a folder", "demo.command.run")
    verb.add_argument(
        "--data", type=Path, default=Path(".callboard-demo"), metavar="DIR", help="where it is kept"
    )
    verb.add_argument(
        "--lively", action="store_true", help="with two simulated colleagues who work the queues"
    )
    _add_address(verb)
    verb.set_defaults(workers=1, ssl_certfile=None, ssl_keyfile=None)
    verb = verbs.add("serve", "serve the practices of the database", "serving.run")
    _add_address(verb)
    verb.add_argument(
        "--workers", type=read.workers, default=1, metavar="N", help="how many processes serve"
    )
    verb.add_argument(
        "--migrate", action="store_true", help="bring the database's tables up to date first"
    )
    verb.add_argument(
        "--ssl-certfile",
        type=Path,
        metavar="FILE",
        help="serve HTTPS with this certificate and those that vouch for it, in PEM",
    )
    verb.add_argument(
        "--ssl-keyfile",
        type=Path,
        metavar="FILE",
        help="the certificate's private key, if it is not in the same file",
    )


def _add_address(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="H",
        help="the address to listen at; 127.0.0.1 unless it is given, 0.0.0.0 for all",
    )
    verb.add_argument(
        "--port",
        type=read.port,
        default=8000,
        metavar="P",
        help="the port to listen at; 8000 unless it is given, 0 for a free one",
    )


def _add_upkeep(verbs: Verbs) -> None:
    verb = verbs.add("migrate", "bring the database's tables up to date", "upkeep.run_migrate")
    verb.add_argument(
        "--serve-role",
        type=read.text,
        metavar="ROLE",
        help="a role of PostgreSQL that is then given what serve needs, and no more",
    )
    for name, purpose in (
        ("expire", "close automatic tasks, and end contact statuses, whose time is up"),
        ("prune", "remove events and rows of the audit that are older than is kept"),
    ):
        verb = verbs.add(name, purpose, f"upkeep.run_{name}")
        verb.add_argument("--force", action="store_true", help="also if the clock may be wrong")
    purpose = "write the whole database to a file, while a server runs, and check it"
    verb = verbs.add("backup", purpose, "backup.run")
    verb.add_argument("file", type=Path, metavar="FILE", help="the file to write")
    _add_force(verb)
    purpose = "check that no event and no row of the audit was changed or is missing"
    verb = verbs.add("verify", purpose, "verify.run")
    verb.add_argument(
        "--practice", type=read.text, metavar="SLUG", help="only this one; all unless it is given"
    )
    verbs.add(
        "doctor", "look for what is wrong with settings, database, bus and rows", "doctor.run"
    )


def _add_audit(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("audit", "say who read or changed patients' data"))
    verb = verbs.add("export", "print a practice's audit, oldest first", "export.run_audit")
    add_practice(verb)
    verb.add_argument(
        "--patient", type=read.text, metavar="ID", help="only this one's, by id or number"
    )
    _add_dates(verb)
    _add_form(verb, ("csv", "jsonl"))


def _add_export(verbs: Verbs) -> None:
    verb = verbs.add("export", "write a practice's tasks and contacts to a file", "export.run")
    add_practice(verb)
    verb.add_argument(
        "--what",
        default="tasks",
        choices=("tasks", "contacts", "activity", "all"),
        metavar="WHAT",
        help="tasks, contacts, activity or all; tasks unless it is given",
    )
    _add_dates(verb)
    _add_form(verb, ("csv", "jsonl", "parquet"))
    verb.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to; standard output unless it is given. csv and parquet of all are a ZIP",
    )
    _add_force(verb)


def _add_dates(verb: argparse.ArgumentParser) -> None:
    for name, dest, help_text in (
        ("--from", "first", "the first date at the practice, such as 2027-01-31"),
        ("--to", "last", "the last date, which counts too"),
    ):
        verb.add_argument(name, dest=dest, type=read.day, metavar="DATE", help=help_text)


def _add_form(verb: argparse.ArgumentParser, forms: tuple[str, ...]) -> None:
    verb.add_argument(
        "--format",
        default=forms[0],
        choices=forms,
        metavar="FORM",
        help=f"{', '.join(forms)}; {forms[0]} unless it is given",
    )


def _add_force(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--force", action="store_true", help="replace a file that is there")


def _add_import(verbs: Verbs) -> None:
    verb = verbs.add("import", "load a file of tasks into a queue", "loading.run")
    verb.add_argument("file", type=Path, metavar="FILE", help="a .csv, .xlsx or .jsonl file")
    add_practice(verb)
    verb.add_argument("--queue", required=True, metavar="NAME", help="the queue they come into")
    verb.add_argument(
        "--source",
        default="import",
        metavar="NAME",
        help='whose ids external_id are; "import" unless it is given',
    )
    verb.add_argument(
        "--rejects",
        type=Path,
        metavar="PATH",
        help="where rows go that cannot come in; FILE.rejects.csv unless it is given",
    )
    verb.add_argument(
        "--map",
        action="append",
        default=[],
        type=read.text,
        metavar="FIELD=COLUMN",
        help="which column is which field, such as Phone=Telefon; may be repeated",
    )
    verb.add_argument("--dry-run", action="store_true", help="only say what would come of it")


def _add_imports(verbs: Verbs) -> None:
    verbs = Verbs(verbs.add("imports", "list imports, and undo them"))
    add_practice(verbs.add("list", "list a practice's imports", "imports.show"))
    verb = verbs.add("undo", "take back what an import of the last day has made", "imports.undo")
    add_practice(verb)
    verb.add_argument(
        "number", type=read.number, metavar="NUMBER", help="the import's, as imports list shows it"
    )


def _add_watch(verbs: Verbs) -> None:
    verb = verbs.add("watch", "show a practice's changes as they happen", "watch.run")
    verb.add_argument(
        "--url", required=True, metavar="U", help="the server, such as http://127.0.0.1:8000"
    )
    verb.add_argument(
        "--key",
        metavar="K",
        help=f"the key, which others may see in a list of processes; without it, {WATCH_KEY}"
        " or a line of standard input is taken",
    )
    verb.add_argument(
        "--queue", action="append", metavar="Q", help="a queue's name or id; may be repeated"
    )

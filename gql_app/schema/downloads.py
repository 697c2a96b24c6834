"""What a download asks for, as JSON. Its filter is a `TaskFilter`, by the rules of GraphQL."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from gql_app.access import Viewer
from gql_app.execution.memory import Schema
from gql_app.execution.strawberry_private import read_input
from gql_app.schema.context import Services, SharedContext
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import read_id_of
from gql_app.work.exports.run import FORMS, TABLES, Order
from gql_app.work.exports.tables import ExportQuery, Table
from gql_app.work.reads.conditions import BadInput

OPTIONS = {
    "from": "first",
    "to": "last",
    "patientId": "patient_id",
    "staffId": "staff_id",
}
NAMES = {"table", "format", "filter", *OPTIONS}


def read_order(schema: Schema, services: Services, viewer: Viewer, body: object) -> Order:
    """The order in a body. Without a filter it is for tasks of every status. Raises `BadInput`, and
    `Forbidden` for a filter that would show who works."""
    if not isinstance(body, dict):
        raise BadInput("A download is asked for by a JSON object with a table.")
    if unknown := body.keys() - NAMES:
        raise BadInput(f"{min(unknown)} is unknown; there are {', '.join(sorted(NAMES))}.")
    table = TABLES.get(str(body.get("table")))
    if table is None:
        raise BadInput(f"table is one of {', '.join(TABLES)}.")
    _check_options(table, body)
    form = body.get("format") or FORMS[0]
    if form not in FORMS:
        raise BadInput(f"format is one of {', '.join(FORMS)}.")
    query = ExportQuery(
        services.clock(),
        first=_date(body, "from"),
        last=_date(body, "to"),
        patient_id=_id(body, "patientId", "Patient"),
        staff_id=_id(body, "staffId", "Staff"),
    )
    if body.get("filter") is None:
        return Order([table], form, query)
    given = read_input(schema, TaskFilter, body["filter"])
    if isinstance(given, str):
        raise BadInput(f"filter: {given}")
    tasks = task_query(given, SharedContext(viewer.scope, services))
    return Order([table], form, query._replace(tasks=tasks))


def _check_options(table: Table, body: Mapping[str, Any]) -> None:
    """Raise `BadInput` for what the table does not take: otherwise more is told than was asked."""
    for name, option in OPTIONS.items():
        if body.get(name) is not None and option not in table.options:
            raise BadInput(f"{name} does not apply to {table.name}.")
    wanted = body.get("filter")
    if wanted is None or "tasks" in table.options:
        return
    if "queues" not in table.options:
        raise BadInput(f"filter does not apply to {table.name}.")
    if isinstance(wanted, dict):
        others = [name for name, value in wanted.items() if value is not None]
        if set(others) - {"queueIds"}:
            raise BadInput(f"filter: only queueIds applies to {table.name}.")


def _date(body: Mapping[str, Any], name: str) -> date | None:
    given = body.get(name)
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError):
        raise BadInput(f"{name} is a date such as 2026-12-24.") from None


def _id(body: Mapping[str, Any], name: str, type_name: str) -> int | None:
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, str):
        raise BadInput(f"{name} is an id.")
    return read_id_of(type_name, given)

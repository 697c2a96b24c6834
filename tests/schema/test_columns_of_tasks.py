"""A list of tasks does not read what it does not show, and shows what it would show anyway."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from graphql import get_named_type, is_leaf_type

from gql_app.execution.strawberry_private import core_schema
from gql_app.live.feeds import Feeds
from gql_app.schema import build_schema
from gql_app.schema.context import Context
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.contact_status import NewStatus, set_contact_status
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.patient_details import Details
from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.queues import update_queue
from gql_app.work.reads.orders import TaskOrder
from models.call_back import CallBackBy
from models.contact_status import ContactStatus
from models.database import opened
from tests.execution.ways import ALL, rich_office
from tests.flows.dashboard import services
from tests.office import Office
from tests.support.call_backs import promise
from tests.work.agents import claims_of, make_patients
from tests.work.families import answer

SCHEMA = build_schema()
TYPES: dict[str, Any] = core_schema(SCHEMA).type_map

PLACES = {"Task": "%s", "Patient": "patient { %s }", "Contact": "lastContact { %s }"}
"""Where a task in a list shows the fields of a type."""

Node = dict[str, Any]


class Field(NamedTuple):
    type_name: str
    name: str

    @property
    def shown(self) -> Any:
        return get_named_type(TYPES[self.type_name].fields[self.name].type)

    @property
    def alias(self) -> str:
        """Only where others may show more of the same: a document may have 50."""
        return self.name if is_leaf_type(self.shown) else f"{self.type_name}_{self.name}"

    @property
    def selected(self) -> str:
        """As it is asked for."""
        alias = "" if self.alias == self.name else f"{self.alias}: "
        return PLACES[self.type_name] % f"{alias}{self.name} {_least_of(self.shown)}"

    def of(self, task: Node) -> Any:
        """What a task shows of it."""
        shown = {"Task": task, "Patient": task["patient"], "Contact": task["lastContact"]}
        return (shown[self.type_name] or {}).get(self.alias)


def _fields() -> Iterator[Field]:
    """All that need no arguments, but one: the last contact is never one that was undone."""
    for type_name in PLACES:
        for name, field in TYPES[type_name].fields.items():
            if not field.args and (type_name, name) != ("Contact", "undo"):
                yield Field(type_name, name)


def _least_of(shown: Any) -> str:
    """The smallest selection that tells one of these from another."""
    if is_leaf_type(shown):
        return ""
    names = ["id"] if "id" in shown.fields else shown.fields
    parts = (f"{name} {_least_of(get_named_type(shown.fields[name].type))}" for name in names)
    return f"{{ {' '.join(parts)} }}"


FIELDS = list(_fields())
EVERYTHING = " ".join(field.selected for field in FIELDS)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """An office in which there is something to see of each field."""
    async with opened(database_url):
        office, _ = await rich_office()
        await office.changes.make_for(
            office.practice.id, update_queue, office.recall.id, {"follow_up_ladder": [1, 7]}
        )
        task, withdrawn, promised = [
            await office.make_task(patient=office.patients[0]) for _ in range(3)
        ]
        waiting = await office.make_task(office.missed, patient=office.patients[0])
        await office.changes.make_for(
            office.practice.id, update_queue, office.missed.id, {"max_attempts": 1}
        )
        soon = office.clock() + timedelta(minutes=30)
        (moved,) = await make_patients(office, 1)
        await office.make_task(patient=moved)
        booking = NewAppointment(office.patients[0].id, soon, "b1")
        known = PatientChanges(details=Details(language="es", caller_note="Call the daughter"))
        first = office.patients[0].id
        gone = NewStatus(ContactStatus.INACTIVE, "Has moved", office.today)
        at_work = (office.changes, office.supervisor)
        done: list[Any] = [
            await office.log(
                task, notes="At noon", contacted_at=office.clock() - timedelta(hours=1)
            ),
            await office.log(waiting, follow_up=office.today),
            await promise(office, promised, soon, CallBackBy.ME),
            await reassign_tasks(*at_work, [task.id], to_staff_id=office.staff.staff_id),
            await withdraw_tasks(*at_work, [withdrawn.id], reason="Has moved away"),
            await claims_of(office).claim(office.staff, task.id),
            await office.changes.make(office.staff, set_contact_status, moved.id, gone),
            await office.changes.make(office.partner, record_appointment, booking),
            await answer(office, office.patients[1].id, office.patients[2].id),
            await office.changes.make(office.supervisor, update_patient, first, known),
        ]
        assert not [refusal for outcome in done for refusal in outcome.refusals]
        yield office


async def test_there_is_something_to_see_of_each_field(office: Office) -> None:
    tasks = (await _tasks(office, "staff", EVERYTHING)).values()
    assert [field for field in FIELDS if all(field.of(task) is None for task in tasks)] == []


@pytest.mark.parametrize("role", ["staff", "partner"])
async def test_each_field_alone_shows_what_it_shows_beside_all_others(
    office: Office, role: str
) -> None:
    together = await _tasks(office, role, EVERYTHING)
    for field in FIELDS:
        alone = await _tasks(office, role, field.selected)
        assert alone.keys() == together.keys()
        for number, task in alone.items():
            assert field.of(task) == field.of(together[number]), field


@pytest.mark.parametrize("role", ["staff", "partner"])
async def test_a_list_shows_what_one_shows_that_reads_all_columns(
    office: Office, role: str
) -> None:
    together = await _tasks(office, role, EVERYTHING)
    for number, task in together.items():
        document = f'{{ node(id: "{number}") {{ ... on Task {{ {_task(EVERYTHING)} }} }} }}'
        assert (await _data(office, role, document))["node"] == task


@pytest.mark.parametrize("order", TaskOrder)
async def test_the_cursors_of_a_list_do_not_depend_on_what_it_shows(
    office: Office, order: TaskOrder
) -> None:
    cursors = await _cursors(office, order, "")
    assert len(set(cursors)) == len(cursors) > 5
    assert await _cursors(office, order, EVERYTHING) == cursors
    for number, cursor in enumerate(cursors, 1):
        assert await _cursors(office, order, "", cursor) == cursors[number:]


async def _tasks(office: Office, role: str, selected: str) -> dict[str, Node]:
    """The tasks of a list, by their ids."""
    document = f"{{ tasks(first: 400, {ALL}) {{ nodes {{ {_task(selected)} }} }} }}"
    nodes = (await _data(office, role, document))["tasks"]["nodes"]
    return {node["id"]: node for node in nodes}


async def _cursors(office: Office, order: TaskOrder, selected: str, after: str = "") -> list[str]:
    """The cursors of a list in that order, of what stands behind `after`."""
    place = f', after: "{after}"' if after else ""
    nodes = f"edges {{ cursor node {{ patient {{ name }} lastContact {{ notes }} {selected} }} }}"
    document = f"{{ tasks(first: 400, {ALL}, orderBy: {order}{place}) {{ {nodes} }} }}"
    edges = (await _data(office, "staff", document))["tasks"]["edges"]
    return [edge["cursor"] for edge in edges]


def _task(selected: str) -> str:
    """Only a list with patients and last contacts leaves columns out."""
    return f"id patient {{ id }} lastContact {{ id }} {selected}"


async def _data(office: Office, role: str, document: str) -> dict[str, Any]:
    context = Context(getattr(office, role), services(Feeds(), office.clock))
    answer = await SCHEMA.execute(document, context_value=context)
    assert not answer.errors, answer.errors
    assert answer.data is not None
    return answer.data

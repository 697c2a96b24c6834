"""Documents that are generated, with the words of an office, and written down in many ways."""

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    build_ast_schema,
    get_named_type,
    parse,
    print_ast,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from gql_app.schema import schema_text
from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import due_cursor, event_cursor, id_cursor
from models.chain import Position
from models.contact import Contact
from models.event import TaskEvent
from models.people import Patient, Staff
from models.practice import Queue
from models.task import Task
from tests.office import Office


class Words:
    """The ids and cursors that documents use: those of the office, and some that are wrong."""

    ids: dict[str, list[str]]
    cursors: dict[str, list[str]]

    @classmethod
    async def of(cls, office: Office) -> "Words":
        words = cls()
        models: dict[str, Any] = {"Task": Task, "Queue": Queue}
        models |= {"Patient": Patient, "Contact": Contact}
        ids = {
            name: [global_id(name, row.id) for row in await model.all().order_by("id")]
            for name, model in (models | {"Staff": Staff}).items()
        }
        practice, tasks = office.practice.id, await Task.all().order_by("id")
        words.ids = {
            name: [*own * 4, global_id(name, 10**6), ids["Staff"][0], "garbage"]
            for name, own in ids.items()
        }
        words.ids["Node"] = [word for own in words.ids.values() for word in own]
        garbage = ["garbage", event_cursor(practice + 1, Position(1))]
        by_id = [id_cursor(practice, task.id) for task in tasks]
        due = [due_cursor(practice, task.due_on, task.id) for task in tasks]
        seqs = [event.seq for event in await TaskEvent.all().order_by("seq")]
        words.cursors = {
            "Query.tasks": due * 2 + by_id + garbage,
            "Queue.tasks": due * 3 + garbage,
            "Patient.tasks": by_id * 3 + garbage,
            "Patient.contacts": by_id * 3 + garbage,
            "Task.contacts": [id_cursor(practice, 10**6 * n) for n in (0, 1, 1, 1)] * 4 + garbage,
            "Query.patients": by_id * 3 + garbage,
            "Patient.appointments": by_id * 3 + garbage,
            "Query.events": [event_cursor(practice, Position(seq)) for seq in seqs] * 2 + garbage,
        }
        return words


WITHOUT_PLAN = {
    "Query": [
        "audit",
        "practice",
        "staff",
        "keys",
        "assignees",
        "patients",
        "importJobs",
        "importJob",
        "importPreview",
    ],
    "Viewer": ["sessions", "passkeys", "lastSignIn", "practice", "claimed"],
    "Queue": ["script"],
    "Patient": ["externalIds", "appointments", "merges", "household"],
    "Task": ["externalIds"],
}
"""Fields that graphql-core completes: what one person sees of themselves, an admin alone, or a page
of one patient. Documents written by hand have those that others may see."""


def _types() -> Any:
    """The schema as the generator reads it, without the fields that have no plan: they would be
    most of what is generated."""
    types: Any = build_ast_schema(parse(schema_text()))
    for name, fields in WITHOUT_PLAN.items():
        for field in fields:
            del types.get_type(name).fields[field]
    return types


TYPES = _types()

NAMES = {
    "queueIds": "Queue",
    "patientId": "Patient",
    "staffId": "Staff",
    "task.id": "Task",
    "queue.id": "Queue",
    "patient.id": "Patient",
}
"""Whose ids an argument takes."""

SCALARS = {
    "Int": st.sampled_from([0, 1, 1, 2, 2, 3, 3, 5, 5, 5, 20, 50] * 4 + [-1, 501, 2**31]).map(
        nodes.Int
    ),
    "ID": st.integers(0, 999).map(nodes.Int),
    "String": st.integers(0, 999).map(nodes.String),
    "Date": st.sampled_from(["2020-01-31", "2026-12-24", "2999-01-01", "0001-01-01"]).map(
        nodes.String
    ),
}
"""Values of arguments. An id or a cursor is a number: `Writer` puts the words in its place."""

DIRECTIVES = [
    f"@{name}(if: {value})"
    for name, value in product(("include", "skip"), ("$yes", "$no", "true", "false"))
]


class Writer:
    """Writes a generated document down in one of many ways: with aliases, fragments, directives,
    and fields that are asked for in two parts."""

    def __init__(self, words: Words, random: Random) -> None:
        self._words = words
        self._random = random
        self._fragments: list[str] = []
        self._aliases = 0

    def document(self, generated: DocumentNode) -> str:
        (operation,) = generated.definitions
        assert isinstance(operation, OperationDefinitionNode)
        selection = self._selection(operation.selection_set.selections, TYPES.query_type)
        text = "\n".join([selection, *self._fragments])
        used = [f"${name}: Boolean!" for name in ("yes", "no") if f"${name})" in text]
        return f"query {'(' + ', '.join(used) + ')' if used else ''} {text}"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _selection(self, selected: Sequence[Any], parent: Any) -> str:
        return self._braces(self._parts(selected, parent), parent)

    def _parts(self, selected: Sequence[Any], parent: Any) -> list[str]:
        parts = []
        for node in selected:
            if isinstance(node, InlineFragmentNode):
                assert node.type_condition is not None
                on = TYPES.get_type(node.type_condition.name.value)
                parts.append(self._on(on) + self._selection(node.selection_set.selections, on))
            else:
                parts += self._field(node, parent)
        if self._chance(0.2):
            parts.append("__typename")
        self._random.shuffle(parts)
        return parts

    def _braces(self, parts: list[str], parent: Any) -> str:
        if self._chance(0.15):
            parts = [*parts, self._random.choice(parts)]
        if self._chance(0.25):
            cut = self._random.randrange(len(parts))
            parts = [*parts[:cut], self._fragment(parts[cut:], parent)]
        return "{ " + " ".join(parts) + " }"

    def _on(self, on: Any) -> str:
        return f"... on {on.name} {self._directive()}"

    def _fragment(self, parts: list[str], parent: Any) -> str:
        inner = self._braces(parts, parent)
        if self._chance(0.5):
            return self._on(parent) + inner
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {parent.name} {inner}")
        return f"...{name} {self._directive()}"

    def _field(self, node: FieldNode, parent: Any) -> list[str]:
        name = node.name.value
        alias = node.alias.value if node.alias else None
        if alias is None and self._aliases < 40 and self._chance(0.1):
            self._aliases += 1
            alias = f"a{self._aliases}"
        given = [
            f"{argument.name.value}: {self._value(argument.value, parent.name, name, argument)}"
            for argument in node.arguments or ()
            if not isinstance(argument.value, NullValueNode) or self._chance(0.5)
        ]
        head = (f"{alias}: " if alias else "") + name + (f"({', '.join(given)})" if given else "")
        if node.selection_set is None:
            return [f"{head} {self._directive()}"]
        below = get_named_type(parent.fields[name].type)
        parts = self._parts(node.selection_set.selections, below)
        cut = self._random.randrange(1, len(parts)) if len(parts) > 1 and self._chance(0.2) else 0
        return [
            f"{head} {self._directive()} {self._braces(some, below)}"
            for some in (parts[:cut], parts[cut:])
            if some
        ]

    def _directive(self) -> str:
        return self._random.choice(DIRECTIVES) if self._chance(0.1) else ""

    def _value(self, value: Any, parent: str, field: str, argument: Any) -> str:
        name = argument.name.value
        if isinstance(value, ObjectValueNode):
            inner = [
                f"{part.name.value}: {self._value(part.value, parent, field, part)}"
                for part in value.fields
            ]
            return "{" + ", ".join(inner) + "}"
        if isinstance(value, ListValueNode):
            return f"[{', '.join(self._value(v, parent, field, argument) for v in value.values)}]"
        words = None
        if isinstance(value, IntValueNode) and name in {"id", *NAMES}:
            words = self._words.ids[NAMES.get(name) or NAMES.get(f"{field}.{name}", "Node")]
        elif isinstance(value, StringValueNode) and name == "after":
            words = self._words.cursors[f"{parent}.{field}"]
        return print_ast(value) if words is None else f'"{words[int(value.value) % len(words)]}"'

"""Compiled execution answers exactly what graphql-core's own way does: data, its order, errors."""

import asyncio
import gc
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    build_ast_schema,
    get_introspection_query,
    get_named_type,
    parse,
    print_ast,
)
from graphql.execution.executor import Executor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_app.access import Viewer, authenticate, create_key
from gql_app.execution import compiled
from gql_app.execution.bounded import Bounded
from gql_app.execution.compiled import REMEMBERED, CompiledExecutor
from gql_app.live.feed import Feeds
from gql_app.schema import Schema, build_schema, loaders, schema_text
from gql_app.schema import queries as queries_module
from gql_app.schema.connections import Connection
from gql_app.schema.context import Context
from gql_app.schema.ids import global_id
from gql_app.work.cursors import due_cursor, event_cursor, id_cursor
from gql_app.work.history import StaffRow
from gql_app.work.queues import tasks_page
from gql_app.work.reading import Page
from models.access import Role
from models.contact import Contact
from models.database import opened
from models.event import TaskEvent
from models.lifecycle import ContactOutcome
from models.people import Patient, Staff
from models.practice import Queue
from models.task import Task, TaskRow
from tests.conftest import BOTH, with_database
from tests.flows.dashboard import services
from tests.office import Office, make_office, task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT, QUEUE_FEED, STATUS_CHANGED
from tests.serving import PATIENCE

T = TypeVar("T")

EXAMPLES = {"sqlite": 1_500, "postgres": 500}
ROLES = ("staff", "supervisor", "partner", "limited")


class Ways:
    """Both ways to execute a document, over one office."""

    def __init__(self, runner: asyncio.Runner, office: Office, viewers: Mapping[str, Viewer]):
        self.compiled, self.plain = build_schema(), build_schema()
        self.plain.execution_context_class = StrawberryGraphQLCoreExecutionContext
        self.office = office
        self.viewers = viewers
        self.services = services(Feeds(), office.clock)
        self._runner = runner

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self._runner.run(awaited())

    def context(self, role: str) -> Context:
        return Context(self.viewers[role], self.services)

    def answer(
        self, schema: Schema, document: str, role: str = "staff", **variables: Any
    ) -> dict[str, Any]:
        """What one way answers: data, and what is told of each error."""
        name = variables.pop("operation", None)
        execute = schema.execute(document, variables, self.context(role), operation_name=name)
        return answer(self.run(asyncio.wait_for(execute, PATIENCE)))

    def same(self, document: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """The answer, which is the same both ways, the order of its keys included."""
        compiled, plain = (
            self.answer(schema, document, role, **variables)
            for schema in (self.compiled, self.plain)
        )
        assert json.dumps(compiled, indent=1) == json.dumps(plain, indent=1), document
        return plain

    def alike(self, document: str) -> dict[str, Any]:
        """The answer, of which the data is the same both ways, and the nulls that are for an error.

        graphql-core puts independent errors in the order in which they come up. Of several that
        null one place it says the first, and cancels what is still under way. Which that is depends
        on the turns of the loop and on the database, not on the document."""
        compiled, plain = (self.answer(schema, document) for schema in (self.compiled, self.plain))
        assert json.dumps(compiled["data"]) == json.dumps(plain["data"]), document
        assert nulled(compiled) == nulled(plain), document
        return plain

    def data(self, document: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """The data of an answer that is the same both ways and has no error."""
        result = self.same(document, role, **variables)
        assert not result["errors"], result["errors"]
        data: dict[str, Any] = result["data"]
        return data

    def messages(self, document: str, after: str, limit: int) -> list[str]:
        """The first messages of a subscription, the same both ways."""

        async def read(schema: Schema) -> list[str]:
            context = self.context("staff")
            stream: Any = await schema.subscribe(document, {"after": after or None}, context)
            found: list[str] = []
            async with asyncio.timeout(PATIENCE), aclosing(stream):
                while len(found) < limit:
                    found.append(json.dumps(answer(await anext(stream)), indent=1))
            return found

        compiled, plain = (self.run(read(schema)) for schema in (self.compiled, self.plain))
        assert compiled == plain
        return plain


def answer(result: Any) -> dict[str, Any]:
    errors = [
        {**error.formatted, "raised": type(error.original_error).__name__}
        for error in result.errors or ()
    ]
    return {"data": result.data, "errors": errors}


def nulled(result: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """Where the data of an answer is null for an error."""
    places = set()
    for error in result["errors"]:
        value, path = result["data"], error["path"]
        depth = 0
        while value is not None:
            value, depth = value[path[depth]], depth + 1
        places.add(tuple(path[:depth]))
    return places


@pytest.fixture(scope="module", params=BOTH)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of the database."""
    param: str = request.param
    return param


@pytest.fixture(scope="module")
def ways(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ways]:
    """Both ways over an office that all tests of the module share, in a loop of their own."""
    with asyncio.Runner() as runner:
        database = AsyncExitStack()
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("both") / "callboard.sqlite3"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite://{path}"
        else:
            server, template = (
                request.getfixturevalue(name) for name in ("postgres_url", "postgres_template")
            )
            url = runner.run(database.enter_async_context(copied(server, template)))
        runner.run(database.enter_async_context(opened(url)))
        try:
            yield Ways(runner, *runner.run(rich_office()))
        finally:
            runner.run(database.aclose())


@asynccontextmanager
async def copied(server: str, template: str) -> AsyncIterator[str]:
    """The address of a copy of a database."""
    name = f"callboard_both_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield with_database(server, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def rich_office() -> tuple[Office, dict[str, Viewer]]:
    """An office with tasks in every state, contacts of all sorts, and a viewer of each role."""
    office = await make_office()
    await Queue.create(
        practice_id=office.practice.id, name="Idle", position=2, created_at=datetime.now(UTC)
    )
    later = [office.clock() + timedelta(hours=hours) for hours in (1, 240)]
    tasks = [
        await office.make_task(
            (office.recall, office.missed)[number % 2],
            patient=office.patients[number % 3],
            reason=f"Reason {number}",
            **({"expires_at": later[number % 2]} if number > 5 else {}),
        )
        for number in range(9)
    ]
    logged = [
        await office.log(tasks[1], ContactOutcome.LEFT_MESSAGE, notes="Mornings only"),
        await office.log(tasks[2], ContactOutcome.LEFT_MESSAGE, notes="First"),
        await office.log(tasks[2], viewer=office.supervisor),
        await office.log(tasks[3], ContactOutcome.SCHEDULED, close=True, notes="On Monday"),
        await office.log(tasks[4], viewer=office.supervisor),
        await office.log(tasks[7]),
    ]
    assert not [refusal for outcome in logged for refusal in outcome.refusals]
    office.clock.advance(hours=2)
    assert await office.transitions.expire(office.practice.id, tasks[6].id)
    limited = await create_key(
        office.practice, Role.PARTNER, "Of one queue", queue_ids=[office.recall.id]
    )
    viewers = {role: getattr(office, role) for role in ROLES[:-1]}
    return office, viewers | {"limited": await authenticate(limited)}


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many objects graphql-core has completed from now on, by who executes."""
    seen: Counter[str] = Counter()
    complete = Executor.complete_object_value

    def count(self: Any, *given: Any) -> Any:
        seen["compiled" if isinstance(self, CompiledExecutor) else "plain"] += 1
        return complete(self, *given)

    monkeypatch.setattr(Executor, "complete_object_value", count)
    return seen


# Generated documents


class Words:
    """The ids and cursors that documents use: those of the office, and some that are wrong."""

    @classmethod
    async def of(cls, office: Office) -> "Words":
        words = cls()
        models = {"Task": Task, "Queue": Queue, "Patient": Patient, "Contact": Contact}
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
        garbage = ["garbage", event_cursor(practice + 1, 1)]
        by_id = [id_cursor(practice, task.id) for task in tasks]
        due = [due_cursor(practice, task.due_on, task.id) for task in tasks]
        seqs = [event.seq for event in await TaskEvent.all().order_by("seq")]
        words.cursors = {
            "Query.tasks": due * 2 + by_id + garbage,
            "Queue.tasks": due * 3 + garbage,
            "Patient.tasks": by_id * 3 + garbage,
            "Task.contacts": [id_cursor(practice, 10**6 * n) for n in (0, 1, 1, 1)] * 4 + garbage,
            "Query.events": [event_cursor(practice, seq) for seq in seqs] * 2 + garbage,
        }
        return words


TYPES = build_ast_schema(parse(schema_text()))
"""The schema as the generator reads it."""

NAMES = {"queueIds": "Queue", "task.id": "Task", "queue.id": "Queue", "patient.id": "Patient"}
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
            for argument in node.arguments
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
        if isinstance(value, IntValueNode) and name in {"id", "queueIds"}:
            words = self._words.ids[NAMES.get(name) or NAMES.get(f"{field}.{name}", "Node")]
        elif isinstance(value, StringValueNode) and name == "after":
            words = self._words.cursors[f"{parent}.{field}"]
        return print_ast(value) if words is None else f'"{words[int(value.value) % len(words)]}"'


GENERATED = st.tuples(
    queries(TYPES, custom_scalars=SCALARS, print_ast=lambda document: document),
    st.integers(0, 2**32),
    st.sampled_from(ROLES),
    st.booleans(),
)


def test_generated_documents_have_the_same_answer_both_ways(
    ways: Ways, kind: str, objects: Counter[str]
) -> None:
    words = ways.run(Words.of(ways.office))
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES[kind],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(GENERATED)
    def check(example: tuple[DocumentNode, int, str, bool]) -> None:
        generated, seed, role, yes = example
        document = Writer(words, Random(seed)).document(generated)
        results = [ways.same(document, role, yes=yes, no=not yes)]
        if "$" in document:  # what was remembered for the first must not be used for the second
            results.append(ways.same(document, role, yes=not yes, no=yes))
        seen.update("refused" if result["data"] is None else "answered" for result in results)
        seen["with errors"] += any(result["errors"] for result in results)

    check()
    assert seen["answered"] > seen["refused"]
    assert seen["with errors"] > EXAMPLES[kind] / 50
    assert objects["plain"] > 3 * EXAMPLES[kind]
    assert objects["compiled"] < 0.3 * objects["plain"]


# Written by hand: what is seldom generated

TASK = """id status isOpen statusLabel origin reason followUp expiresAt version contactCount
    createdAt closedAt closeCause queue { id name } patient { id name phone }
    lastContact { id outcome followUp closedTask loggedAt notes loggedBy { id name } }"""

ALL = "filter: {status: [OPEN, IN_PROGRESS, CLOSED]}"

DOCUMENTS = {
    "every plain field": f"""{{ tasks({ALL}) {{ nodes {{ {TASK} }}
        edges {{ cursor node {{ {TASK} }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}""",
    "one object in two fragments": """
        { tasks { nodes { ...A queue { id } ...B } } }
        fragment A on Task { id queue { name counts { open } } lastContact { ...C } }
        fragment B on Task { lastContact { loggedBy { name } ...C } queue { counts { seq open } } }
        fragment C on Contact { notes id }""",
    "a fragment in a fragment in a fragment": """
        { queues { ...A } } fragment A on Queue { ...B id }
        fragment B on Queue { ... { ...C name } } fragment C on Queue { counts {
        ... on QueueCounts { open queue { name counts { seq } } } } }""",
    "aliases": """{ tasks { all: nodes { a: id b: id c: queue { d: name name } queue { e: id }
        f: lastContact { g: loggedBy { h: name } } } edges { i: node { id } } } }""",
    "the name of the type, at every place": """
        { __typename tasks { __typename nodes { __typename id of: __typename queue { __typename }
        lastContact { __typename } } pageInfo { __typename } }
        viewer { practice { __typename } } }""",
    "directives with literals": """{ tasks { nodes @include(if: true) { id @skip(if: true)
        queue @skip(if: false) { name } patient @include(if: false) { name }
        ... @include(if: false) { reason } ... on Task @skip(if: false) { version } } } }""",
    "nothing is left": "{ queues { id @skip(if: true) counts @skip(if: true) { seq } } }",
    "a list that takes arguments beside one that does not": f"""
        {{ tasks({ALL}) {{ nodes {{ id contacts(first: 2) {{ nodes {{ notes loggedBy {{ id }} }} }}
        queue {{ name tasks(first: 1) {{ nodes {{ reason lastContact {{ id }} }} }} }} }} }} }}""",
    "events": """{ events { nodes { seq kind at fromStatus toStatus closeCause cursor
        contact { notes loggedBy { name } } actor { name } task { id status closedAt
        lastContact { id } queue { counts { open } } } } } }""",
    "the viewer": """{ viewer { name role mayReadNotes mayLogContacts mayCreateTasks expiresAt
        practice { timeZone today cursor } queues { id name counts { queue { name } } } } }""",
    "introspection": get_introspection_query(),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_has_the_same_answer_both_ways(ways: Ways, document: str, role: str) -> None:
    ways.data(document, role)


@pytest.mark.parametrize("role", ROLES)
def test_a_node_has_the_same_answer_both_ways_whatever_it_is(ways: Ways, role: str) -> None:
    document = f"""query ($id: ID!) {{ node(id: $id) {{ id __typename
        ... on Node {{ same: id }} ... on Task {{ {TASK} }}
        ... on Queue {{ name counts {{ open }} }}
        ... on Patient {{ phone tasks(first: 2) {{ nodes {{ status }} }} }}
        ... on Contact {{ notes loggedBy {{ name }} }} ... on Staff {{ name }} }} }}"""
    words = ways.run(Words.of(ways.office))
    shown = {
        (result["data"]["node"] or {}).get("__typename")
        for id_ in words.ids["Node"]
        if (result := ways.same(document, role, id=id_))["data"] is not None
    }
    assert shown == {"Task", "Queue", "Patient", "Contact", "Staff", None}


def test_a_document_can_be_asked_again_with_other_variables(ways: Ways) -> None:
    document = """query ($yes: Boolean!, $no: Boolean = false) {
        tasks { nodes { id @include(if: $yes) reason @skip(if: $no)
        queue @include(if: $yes) { id name @skip(if: $no) }
        ... @include(if: $no) { lastContact { id notes @include(if: $yes) } } ...F } } }
        fragment F on Task { patient @skip(if: $yes) { name } version }"""
    answers = [
        json.dumps(ways.data(document, yes=yes, no=no))
        for yes, no in [*product((True, False), repeat=2)] * 2
    ]
    assert answers[:4] == answers[4:]
    assert len(set(answers)) == 4
    assert ways.data(document, yes=True) == ways.data(document, yes=True, no=False)


def test_two_operations_of_a_document_that_share_a_fragment_are_kept_apart(ways: Ways) -> None:
    document = """
        query A($first: Boolean!, $shown: Boolean!) { viewer @include(if: $first) { role } ...F }
        query B($shown: Boolean!, $then: Boolean!) { viewer @include(if: $then) { role } ...F }
        fragment F on Query { queues { id name @include(if: $shown) } }"""
    without = ways.data(document, operation="A", first=True, shown=False)
    shown = ways.data(document, operation="B", shown=True, then=False)
    assert "name" not in without["queues"][0]
    assert "name" in shown["queues"][0]


def test_a_directive_whose_variable_is_null_is_refused_where_it_stands(ways: Ways) -> None:
    document = """query ($shown: Boolean = true) { tasks(filter: {status: [OPEN]}) { nodes {
        id lastContact { id @include(if: $shown) } } } }"""
    fresh = ways.same(document, shown=None)  # nobody has called, so there is no contact to show
    assert not fresh["errors"]
    ways.same(document.replace("OPEN", "IN_PROGRESS"), shown=None)


# Errors are graphql-core's own, wherever they come up

READS = {
    "staff_by_id": "lastContact { notes loggedBy { name } }",
    "contacts_by_id": "lastContact { notes }",
    "patients_by_id": "patient { name }",
    "visible_queues": "queue { name }",
    "queue_counts": "queue { name counts { open } }",
}
"""How the rows of a link are read, and where a task shows them."""

ONE_LINK = {
    "nodes": f"{{ tasks({ALL}) {{ nodes {{ id %s }} }} }}",
    "edges": "{ tasks { edges { cursor node { %s id } } } }",
    "tasks of events": "{ events { nodes { seq task { id %s } } } }",
    "tasks of queues": "{ queues { name tasks(first: 3) { nodes { %s } } } }",
}

MANY_LINKS = {
    "nodes": f"{{ tasks({ALL}) {{ nodes {{ {TASK} }} }} }}",
    "edges": f"{{ tasks({ALL}) {{ edges {{ cursor node {{ {TASK} }} }} }} }}",
    "events": """{ events { nodes { seq contact { id loggedBy { name } } actor { name }
        task { queue { name } } } } }""",
    "tasks of events": f"{{ events {{ nodes {{ seq task {{ {TASK} }} }} }} }}",
    "tasks of queues": f"""{{ queues {{ counts {{ open }}
        tasks(first: 3) {{ nodes {{ {TASK} }} }} }} }}""",
    "side by side": f"""{{ viewer {{ name queues {{ counts {{ open }} }} }}
        events(first: 2) {{ nodes {{ seq actor {{ name }} }} }}
        tasks({ALL}) {{ nodes {{ id patient {{ name }} }} }} }}""",
}

# graphql-core cancels what is under way beside an error, and what had not begun is never awaited.
cancels = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(params=["finds none", "finds some", "fails"])
def broken(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Breaks the read of that name in one way."""

    def replace_read(name: str) -> None:
        real = getattr(loaders, name)

        async def read(viewer: Viewer, ids: Sequence[int], *more: Any) -> Any:
            if request.param == "fails":
                raise OSError("The database is away.")
            rows = await real(viewer, ids, *more)
            return [row for row in rows if row[0] % 2] if request.param == "finds some" else []

        monkeypatch.setattr(loaders, name, read)

    gc.freeze()
    yield replace_read
    gc.collect()  # warnings of what was cancelled belong to the test that has cancelled it
    gc.unfreeze()


@cancels
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("document", ONE_LINK.values(), ids=ONE_LINK)
def test_a_broken_link_has_the_same_errors_both_ways(
    ways: Ways, broken: Callable[[str], None], read: str, document: str
) -> None:
    broken(read)
    ways.same(document % READS[read])


@cancels
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("document", MANY_LINKS.values(), ids=MANY_LINKS)
def test_a_broken_link_among_others_nulls_the_same_both_ways(
    ways: Ways, broken: Callable[[str], None], read: str, document: str
) -> None:
    broken(read)
    ways.alike(document)


@cancels
@pytest.mark.parametrize("slow", ["patients_by_id", "visible_queues"])
@pytest.mark.parametrize(
    "document",
    [
        "{ queues { tasks(first: 3) { nodes { id patient { name } queue { id } %s } } } }",
        "{ events { nodes { seq actor { id } task { id patient { name } queue { id } %s } } } }",
    ],
    ids=["tasks of queues", "tasks of events"],
)
def test_a_link_that_may_be_null_breaks_alone_while_others_are_read(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, slow: str, document: str
) -> None:
    real = getattr(loaders, slow)

    async def read_slowly(*given: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return await real(*given)

    async def fail(*_: object) -> None:
        raise OSError("The database is away.")

    monkeypatch.setattr(loaders, slow, read_slowly)
    monkeypatch.setattr(loaders, "contacts_by_id", fail)
    result = ways.alike(document % "lastContact { notes }")
    assert result["data"] is not None
    assert {error["path"][-1] for error in result["errors"]} == {"lastContact"}


@cancels
@pytest.mark.parametrize("first", [0, 1], ids=["after it", "before it"])
def test_a_broken_link_leaves_the_objects_beside_it_whole(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    real = loaders.visible_queues

    async def read_slowly(*given: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return await real(*given)

    async def no_patient(*_: object) -> list[Any]:
        return []

    monkeypatch.setattr(loaders, "visible_queues", read_slowly)
    monkeypatch.setattr(loaders, "patients_by_id", no_patient)
    queue = ways.office.recall
    tasks = ways.run(Task.filter(queue_id=queue.id).order_by("id"))
    parts = [
        f'broken: task(id: "{task_id(tasks[0])}") {{ patient {{ name }} queue {{ name }} }}',
        f'whole: task(id: "{task_id(tasks[1])}") {{ reason queue {{ name }} }}',
    ]
    result = ways.same(f"{{ {parts[first]} {parts[1 - first]} }}")
    assert result["data"]["broken"] is None
    assert result["data"]["whole"]["queue"] == {"name": queue.name}


def test_a_row_of_another_type_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(viewer: Viewer, ids: Sequence[int]) -> list[StaffRow]:
        return [StaffRow(i, viewer.practice_id, "Not a queue") for i in ids]

    monkeypatch.setattr(loaders, "visible_queues", read)
    for field in ("nodes { id queue { name } }", "edges { node { queue { id name } } }"):
        assert ways.same(f"{{ tasks {{ {field} }} }}")["errors"]


@pytest.mark.parametrize("selection", ["status", "closeCause id", "isOpen", "statusLabel status"])
@pytest.mark.parametrize("field", ["nodes {{ id {0} }}", "edges {{ cursor node {{ {0} id }} }}"])
def test_a_value_that_its_type_does_not_have_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, selection: str, field: str
) -> None:
    async def page(*given: Any) -> Page[TaskRow]:
        found = await tasks_page(*given)
        found.rows[1] = found.rows[1]._replace(status="LOST", close_cause="LOST")
        return found

    monkeypatch.setattr(queries_module, "tasks_page", page)
    assert ways.same(f"{{ tasks {{ {field.format(selection)} }} }}")["errors"]


def test_an_error_of_a_resolver_is_the_same_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError("There is no such day.")

    monkeypatch.setattr("gql_app.schema.types.local_date", fail)
    result = ways.same("{ viewer { name practice { timeZone today } } queues { name } }")
    (error,) = result["errors"]
    assert error["path"] == ["viewer", "practice", "today"]


@pytest.mark.parametrize("selection", ["hasNextPage", "__typename", "endCursor", "...F"])
def test_null_where_there_must_be_an_object_is_the_same_error_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, selection: str
) -> None:
    monkeypatch.setattr(Connection, "page_info", None)
    fragment = "fragment F on PageInfo { hasNextPage @include(if: false) }"
    document = f"{{ tasks {{ nodes {{ id }} pageInfo {{ {selection} }} }} }}"
    assert ways.same(document + (fragment if "F" in selection else ""))["errors"]


# Mutations and subscriptions


def attempt(office: Office, task: Task, **given: Any) -> dict[str, Any]:
    tomorrow = (office.today + timedelta(days=1)).isoformat()
    return {"taskId": task_id(task), "outcome": "NO_ANSWER", "followUp": tomorrow} | given


def contacts_on(ways: Ways, task: Task) -> int:
    return ways.run(Contact.filter(practice_id=task.practice_id, task_id=task.id).count())


def test_a_payload_is_the_same_both_ways_and_the_contact_is_stored_once(ways: Ways) -> None:
    task = ways.run(ways.office.make_task())
    # With a key, the second way is told what came of the first.
    given = attempt(ways.office, task, notes="Call back", idempotencyKey=uuid4().hex)
    payload = ways.data(LOG_CONTACT, **given)["logContact"]
    assert payload["contact"]["notes"] == "Call back"
    assert contacts_on(ways, task) == 1


@pytest.mark.parametrize(
    "refused", [{"followUp": None}, {"followUp": "2000-01-01"}, {"expectedVersion": 7}]
)
def test_a_refusal_is_the_same_both_ways(ways: Ways, refused: dict[str, Any]) -> None:
    task = ways.run(ways.office.make_task())
    payload = ways.data(LOG_CONTACT, **attempt(ways.office, task, **refused))["logContact"]
    assert payload["errors"]
    assert contacts_on(ways, task) == 0


@pytest.mark.parametrize("goes", ["finds none", "fails"])
def test_a_contact_is_stored_once_though_its_payload_cannot_be_shown(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, goes: str
) -> None:
    async def nobody(*_: object) -> list[Any]:
        if goes == "fails":
            raise OSError("The database is away.")
        return []

    monkeypatch.setattr(loaders, "staff_by_id", nobody)
    for schema in (ways.compiled, ways.plain):
        task = ways.run(ways.office.make_task())
        result = ways.answer(schema, LOG_CONTACT, **attempt(ways.office, task))
        assert [error["path"] for error in result["errors"]] == [
            ["logContact", "contact", "loggedBy"]
        ]
        assert result["data"]["logContact"]["contact"] is None
        assert result["data"]["logContact"]["task"]["contactCount"] == 1
        assert contacts_on(ways, task) == 1
    ways.same(LOG_CONTACT, **attempt(ways.office, task, idempotencyKey=uuid4().hex))
    assert contacts_on(ways, task) == 2


def test_a_new_task_is_the_same_both_ways(ways: Ways) -> None:
    given = {
        "queueId": global_id("Queue", ways.office.recall.id),
        "patientId": global_id("Patient", ways.office.patients[0].id),
        "reason": "Cleaning overdue",
        "idempotencyKey": uuid4().hex,
    }
    made = ways.data(CREATE_TASK, "supervisor", input=given)["createTask"]
    assert made["task"]["queue"] == {"name": ways.office.recall.name}
    refused = ways.data(
        CREATE_TASK, "supervisor", input=given | {"reason": "", "idempotencyKey": "1"}
    )
    assert refused["createTask"]["task"] is None


@pytest.mark.parametrize("document", [STATUS_CHANGED, QUEUE_FEED], ids=["events", "feed"])
@pytest.mark.parametrize("broken_read", [None, "staff_by_id", "visible_queues", "contacts_by_id"])
def test_messages_are_the_same_both_ways(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, document: str, broken_read: str | None
) -> None:
    async def fail(*_: object) -> list[Any]:
        raise OSError("The database is away.")

    if broken_read is not None:
        monkeypatch.setattr(loaders, broken_read, fail)
    seen = ways.messages(document, event_cursor(ways.office.practice.id, 0), 15)
    assert len(set(seen)) == 15 or broken_read
    if document is QUEUE_FEED:
        (snapshot,) = ways.messages(document, "", 1)
        assert broken_read or "Reason" not in snapshot


# What is remembered


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes room for so many plans and no more, and none is there yet."""

    def limit(size: int) -> None:
        monkeypatch.setattr(CompiledExecutor, "plans", Bounded(size))
        monkeypatch.setattr(CompiledExecutor, "directive_variables", Bounded(size))

    return limit


def test_no_more_plans_are_kept_than_there_is_room_for(
    ways: Ways, forgetful: Callable[[int], None], objects: Counter[str]
) -> None:
    assert CompiledExecutor.plans.limit == CompiledExecutor.directive_variables.limit == REMEMBERED
    forgetful(3)
    for _ in range(2):
        for number in range(5):
            ways.data(f"{{ q{number}: queues {{ a{number}: name counts {{ open }} }} }}")
            assert len(CompiledExecutor.plans) <= 3
            assert len(CompiledExecutor.directive_variables) <= 3
    assert objects["compiled"] == 0


def test_a_plan_is_made_once_for_a_document_that_is_asked_again(
    ways: Ways, forgetful: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful(100)
    made = []
    real = compiled.compile_object

    def compile_object(*given: Any) -> Any:
        made.append(given[0].name)
        return real(*given)

    monkeypatch.setattr(compiled, "compile_object", compile_object)
    for _ in range(3):
        ways.data("{ tasks { nodes { id queue { name } } } queues { name } }")
    assert sorted(made) == ["Queue", "TaskConnection"]


def test_a_plan_is_kept_beside_the_nodes_that_it_is_found_by(
    ways: Ways, forgetful: Callable[[int], None]
) -> None:
    forgetful(8)
    fields = ("id %s", "name %s", "counts %s { open }", "counts { seq %s }", "__typename %s")
    for number in range(60):
        directive = ("", "@include(if: $yes)", "@skip(if: $yes)")[number % 3]
        given = "($yes: Boolean!)" if directive else ""
        document = f"query {given} {{ q{number}: queues {{ {fields[number % 5] % directive} }} }}"
        ways.data(document, yes=number % 2 == 0)
        for key, (held, _) in CompiledExecutor.plans.items():
            assert list(key[2:]) == [id(node) for node in held]
        for operation, (node, _) in CompiledExecutor.directive_variables.items():
            assert operation == id(node)

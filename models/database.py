"""Opening the database, transactions, and the one way in which rows are read by SQL.

Statements are written once for SQLite and PostgreSQL, with numbered parameters ($1, $2, …).
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContext
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError
from tortoise.transactions import in_transaction

from models import migrating, postgres, sqlite
from models.limits import NO_LIMITS, USUAL_LIMITS, Busy, Limits
from models.opening import BAD_PARAMETER, BAD_URL, CannotOpen, connect, look_through
from models.sqlite import is_sqlite
from models.sqlite_changes import Turn
from models.sqlite_files import DatabaseLost

Row = TypeVar("Row", bound=NamedTuple)

MIGRATION_WAIT_SECONDS = 5.0
"""How long a migration of SQLite waits for another process that writes."""

LOOK_SECONDS = 0.5
"""How often SQLite's files are looked at while nobody writes."""

TABLES = [
    "models.practice",
    "models.people",
    "models.task",
    "models.contact",
    "models.appointment",
    "models.event",
    "models.access",
]


def orm_config(url: str, limits: Limits = NO_LIMITS) -> dict[str, Any]:
    """Tortoise's configuration for the database at `url` (sqlite://… or postgres://…)."""
    # Tortoise keeps the statements it has built by the connection's name, with the placeholders of
    # the database they were built for: two kinds of database in one process need two names.
    name = url.partition("://")[0]
    if name == "sqlite":
        # synchronous=FULL: an acknowledged change survives a power cut. busy_timeout: the command
        # line may write to the file while the server does.
        wait = round((limits.wait or MIGRATION_WAIT_SECONDS) * 1_000)
        url += ("&" if "?" in url else "?") + f"synchronous=FULL&busy_timeout={wait}"
    connection = expand_db_url(url)
    if name != "sqlite":
        connection["credentials"]["limits"] = limits
    connection["engine"] = "models.sqlite" if name == "sqlite" else "models.postgres"
    return {
        "connections": {name: connection},
        "apps": {
            "models": {
                "models": TABLES,
                "migrations": "models.migrations",
                "default_connection": name,
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


MAKEMIGRATIONS_CONFIG = orm_config("sqlite://:memory:")
"""For `tortoise makemigrations`, which compares the models with the migrations."""


@asynccontextmanager
async def opened(
    url: str, limits: Limits = USUAL_LIMITS, *, may_be_away: bool = False
) -> AsyncIterator[None]:
    """The database for as long as the block lasts, for every task of the process. Raises
    `CannotOpen` if it cannot be reached or its tables are not those of this version. A server that
    is not there just now is passed over if it `may_be_away`."""
    async with _connected(
        url, limits, everywhere=True, may_be_away=may_be_away, may_be_new=False
    ) as client:
        if client is not None:
            try:
                await migrating.check(client)
            except Busy:
                if not may_be_away:
                    raise
        yield


async def migrate(url: str) -> None:
    """Bring the tables of the database at `url` up to date. Raises `CannotOpen`."""
    async with _connected(url) as client:
        assert client is not None
        if isinstance(client, sqlite.Client):
            await look_through(client)
        if await migrating.is_up_to_date(client):
            return
        await migrating.be_patient(client)
        async with transaction() as connection:
            await migrating.bring_up_to_date(connection, orm_config(url)["apps"]["models"])


@asynccontextmanager
async def _connected(
    url: str,
    limits: Limits = NO_LIMITS,
    *,
    everywhere: bool = False,
    may_be_away: bool = False,
    may_be_new: bool = True,
) -> AsyncIterator[BaseDBAsyncClient | None]:
    """A connection to the database, None if it is away and may be.

    The global fallback (`everywhere`) is needed because Starlette runs its lifespan in another task
    than the requests, and Tortoise finds connections through a context variable.
    """
    try:
        context = await Tortoise.init(
            config=orm_config(url, limits), _enable_global_fallback=everywhere
        )
    except BAD_PARAMETER:
        raise CannotOpen(BAD_URL) from None
    try:
        client: BaseDBAsyncClient | None = _connection()
        assert client is not None
        try:
            await connect(client, may_be_new=may_be_new)
        except CannotOpen:
            if not (may_be_away and isinstance(client, postgres.Client)):
                raise
            client = None
        yield client
    finally:
        await context.close_connections()
        context.__exit__(None, None, None)


async def until_lost() -> None:
    """Return once SQLite's files were replaced, removed or found damaged. PostgreSQL has none."""
    client = _connection()
    if not isinstance(client, sqlite.Client):
        await asyncio.Event().wait()
        return
    while True:
        with suppress(DatabaseLost):
            client.files.check()
        if client.files.is_lost:
            return
        await asyncio.sleep(LOOK_SECONDS)


_transaction: ContextVar[BaseDBAsyncClient | None] = ContextVar("transaction", default=None)


def _connection() -> BaseDBAsyncClient:
    """What the database is asked through, or the transaction that the task is in. A change asks for
    it a dozen times, so Tortoise's look-up is left out where it is known."""
    known = _transaction.get()
    if known is not None:
        return known
    connections = get_connections()
    return connections.get(next(iter(connections.db_config)))


_first_number: ContextVar[list[int] | None] = ContextVar("first_number", default=None)


@asynccontextmanager
async def transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """A writing transaction; rolled back if the block raises. Raises `Busy`."""
    async with _begun(in_transaction()) as connection:
        before = _first_number.set([])
        try:
            yield connection
        finally:
            _first_number.reset(before)


def first_in_transaction(number: int) -> int:
    """The first number that was given to this function in the transaction that the task is in: what
    is written by several statements of one transaction can be told to belong together."""
    given = _first_number.get()
    if given is None:
        return number
    if not given:
        given.append(number)
    return given[0]


@asynccontextmanager
async def _begun(context: TransactionContext) -> AsyncIterator[BaseDBAsyncClient]:
    """A transaction, but for one thing: where BEGIN fails (the database was restarted, the task was
    cancelled), Tortoise keeps the pool's connection for ever. SQLite's sees to itself."""
    try:
        connection = await context.__aenter__()
    except BaseException:
        if hasattr(context, "token"):  # so far had it come; this end rolls nothing back
            await context.__aexit__(TransactionManagementError, None, None)
        raise
    before = _transaction.set(connection)
    try:
        try:
            yield connection
        finally:
            _transaction.reset(before)
    except BaseException as error:
        # Where the connection is lost there is nothing to roll back.
        with suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, Busy):
            await context.__aexit__(type(error), error, error.__traceback__)
        raise
    else:
        await context.__aexit__(None, None, None)


@asynccontextmanager
async def snapshot(*, is_long: bool = False) -> AsyncIterator[None]:
    """A reading transaction in which every statement sees the same moment; with `is_long` each may
    take as long as a report may. Raises `Busy`."""
    client = _connection()
    context = client.in_snapshot() if isinstance(client, sqlite.Client) else in_transaction()
    async with _begun(context) as connection:
        if not is_sqlite(connection):  # READ COMMITTED would show each statement its own moment
            await connection.execute_query(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            if is_long:
                await _give_time(connection)
        yield


async def _give_time(transaction: Any) -> None:
    """Let the statements of a transaction of PostgreSQL take as long as a report's."""
    await transaction._parent.give_time(transaction)  # noqa: SLF001 - what Tortoise began it on


async def fetch(row: type[Row], sql: str, *values: object) -> list[Row]:
    """The rows that `sql` selects; its columns stand in the order of `row`'s fields."""
    records, is_text = await _records(sql, values)
    if not is_text:
        return list(map(row._make, records))
    converters = _converters(row)
    return [row._make(_from_text(converters, record)) for record in records]


async def fetch_joined(
    rows: Sequence[type[NamedTuple]], sql: str, *values: object
) -> list[list[Any]]:
    """For each type in `rows` a list of its rows, one for each record that `sql` selects; the
    columns of the types follow one another there. A row whose first column is null is None."""
    records, is_text = await _records(sql, values)
    if is_text:
        converters = [convert for row in rows for convert in _converters(row)]
        records = [_from_text(converters, record) for record in records]
    made, begin = [], 0
    for row in rows:
        columns = slice(begin, begin + len(row._fields))
        made.append([None if r[begin] is None else tuple.__new__(row, r[columns]) for r in records])
        begin = columns.stop
    return made


@lru_cache(maxsize=1_000)
def select_list(table: str, row: type[NamedTuple], columns: frozenset[str] | None = None) -> str:
    """The columns of `table` that make a `row`: those in `columns`, or all. In place of the others
    stands NULL, which costs next to nothing."""
    return ", ".join(
        f"{table}.{column}" if columns is None or column in columns else "NULL"
        for column in row._fields
    )


async def insert(table: str, **values: object) -> int:
    """A new row of `table`. Returns its id."""
    columns, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"
    return int((await write(sql, *values.values()))[0]["id"])


async def insert_many(
    table: str, rows: Sequence[Mapping[str, object]], returning: str
) -> list[dict[str, Any]]:
    """New rows of `table`, all with the same columns, in one statement. Returns the columns
    `returning` of each, in no order."""
    if not rows:
        return []
    sql, values = _insertion(table, rows)
    return await write(f"{sql} RETURNING {returning}", *values)


class Statement(NamedTuple):
    """A statement that changes rows, with the values of its parameters."""

    sql: str
    values: Sequence[object]


NEW_ID = "the id of the new row"
"""Stands in the values of an UPDATE for the id of the row that is inserted along with it."""


async def insert_and_update(table: str, row: Mapping[str, object], update: Statement) -> int:
    """Insert a row, and change a row of another table that may name it: on PostgreSQL in one round
    trip. Returns the new row's id."""
    if is_sqlite(_connection()):
        new_id = await insert(table, **row)
        values = [new_id if value is NEW_ID else value for value in update.values]
        await write(update.sql, *values)
        return new_id
    sql, inserted = _insertion(table, [row])
    place = update.values.index(NEW_ID) + 1
    changed = _with_new_id(update.sql, place, len(inserted))
    values = [*inserted, *update.values[: place - 1], *update.values[place:]]
    found = await write(
        f"WITH new AS ({sql} RETURNING id), updated AS ({changed}) SELECT id FROM new", *values
    )
    return int(found[0]["id"])


async def update_and_insert(
    update: Statement, table: str, rows: Sequence[Mapping[str, object]]
) -> None:
    """Carry out an UPDATE, and insert rows (at least one, all with the same columns) into another
    table: on PostgreSQL in one round trip."""
    if is_sqlite(_connection()):
        await write(update.sql, *update.values)
        sql, inserted = _insertion(table, rows)
        await write(sql, *inserted)
        return
    sql, inserted = _insertion(table, rows, len(update.values))
    await write(f"WITH updated AS ({update.sql}) {sql}", *update.values, *inserted)


@lru_cache(maxsize=100)
def _with_new_id(sql: str, place: int, bound: int) -> str:
    """The UPDATE with the new row's id in place of its parameter `place`; `bound` parameters stand
    before its own."""

    def put(parameter: re.Match[str]) -> str:
        number = int(parameter[1])
        if number == place:
            return "(SELECT id FROM new)"
        return f"${number + bound - (number > place)}"

    return re.sub(r"\$(\d+)", put, sql)


def _insertion(
    table: str, rows: Sequence[Mapping[str, object]], bound: int = 0
) -> tuple[str, list[object]]:
    """An INSERT of rows, and its values: as many parameters as `bound` stand before them."""
    columns = list(rows[0])
    numbers = iter(range(bound + 1, bound + len(rows) * len(columns) + 1))
    places = ", ".join(f"({', '.join(f'${next(numbers)}' for _ in columns)})" for _ in rows)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places}"
    return sql, [row[column] for row in rows for column in columns]


async def write(sql: str, *values: object) -> list[dict[str, Any]]:
    """Carry out a statement that changes rows; what it has after RETURNING."""
    connection = _connection()
    if not is_sqlite(connection):
        return list(await connection.execute_query_dict(sql, list(values)))
    sql, texts = sql.replace("$", "?"), _as_text(values)
    if isinstance(connection, Turn):
        return [dict(record) for record in await connection.records(sql, texts)]
    return list(await connection.execute_query_dict(sql, texts))


async def take_stock(*tables: str) -> None:
    """Tell PostgreSQL how large tables have become: until it looks by itself, after a minute, it
    would go through all rows of a practice where an index leads to the few that are wanted."""
    if is_sqlite(_connection()):
        return
    async with transaction() as connection:
        await _give_time(connection)
        await connection.execute_query(f"ANALYZE {', '.join(tables)}")


def for_update() -> str:
    """The end of a SELECT that locks its rows until the transaction ends. SQLite needs none: its
    writing transactions come one after the other."""
    return "" if is_sqlite(_connection()) else "FOR UPDATE"


def for_update_but_its_key() -> str:
    """As `for_update`, but rows that point to the locked one may still be inserted."""
    return "" if is_sqlite(_connection()) else "FOR NO KEY UPDATE"


def is_waited_for() -> bool:
    """Whether a row can be locked by another transaction. In SQLite there is no other one."""
    return not is_sqlite(_connection())


async def _records(sql: str, values: Sequence[object]) -> tuple[Sequence[Any], bool]:
    """The records, and whether dates and the like come as text in them."""
    connection = _connection()
    is_text = is_sqlite(connection)
    if is_text:
        sql, values = sql.replace("$", "?"), _as_text(values)
    if isinstance(connection, Turn):
        return await connection.records(sql, values), is_text
    if isinstance(connection, sqlite.Client | postgres.Client):
        return await connection.read(sql, values), is_text
    _, records = await connection.execute_query(sql, list(values))  # within a transaction
    return records, is_text


def _from_text(converters: Sequence[Any], record: Sequence[Any]) -> list[Any]:
    return [
        convert(value) if convert and value is not None else value
        for convert, value in zip(converters, record, strict=True)
    ]


def unplanned(parameter: int) -> str:
    """SQL for the number in `parameter`, which PostgreSQL is not to look at when it plans: for each
    practice it would make a plan of its own, each time, at more cost than to carry it out."""
    return f"(SELECT CAST(${parameter} AS BIGINT))"


def among(column: str, parameter: int, kind: str = "bigint") -> str:
    """SQL that is true where `column` is one of the numbers, or texts, in the list `parameter`."""
    if is_sqlite(_connection()):
        return f"{column} IN (SELECT value FROM json_each(${parameter}))"
    return f"{column} = ANY(${parameter}::{kind}[])"


def any_among(column: str, parameter: int) -> str:
    """SQL that is true where one of the numbers in the JSON list `column` is in the list
    `parameter`."""
    if is_sqlite(_connection()):
        numbers, number = f"json_each({column}) n", "n.value"
    else:
        numbers, number = f"jsonb_array_elements_text({column}) n (value)", "n.value::bigint"
    return f"EXISTS (SELECT 1 FROM {numbers} WHERE {among(number, parameter)})"


def moments(parameter: int) -> str:
    """SQL for a table `m` whose column `moment` has the moments in the list `parameter`."""
    if is_sqlite(_connection()):
        return f"(SELECT value AS moment FROM json_each(${parameter})) AS m"
    return f"unnest(${parameter}::timestamptz[]) AS m (moment)"


def hours_between(begin: str, end: str) -> str:
    """SQL for the hours from one moment to another. In SQLite they are right to a millisecond."""
    if is_sqlite(_connection()):
        return f"(julianday({end}) - julianday({begin})) * 24"
    return f"CAST(EXTRACT(EPOCH FROM {end} - {begin}) AS DOUBLE PRECISION) / 3600"


def word_lists(parameter: int) -> str:
    """SQL for a table `listed (id, word)`, made of the JSON object `parameter`: words by ids."""
    if is_sqlite(_connection()):
        return f"""(SELECT CAST(l.key AS INTEGER) AS id, w.value AS word
            FROM json_each(${parameter}) l, json_each(l.value) w) AS listed"""
    return f"""(SELECT l.key::bigint AS id, w AS word
        FROM json_each(${parameter}::json) l, json_array_elements_text(l.value) w) AS listed"""


def pairs(parameter: int) -> str:
    """SQL for a table `listed (id, first, last)`, made of the JSON object `parameter`: two texts
    by ids."""
    if is_sqlite(_connection()):
        first, last = (f"(SELECT value FROM json_each(l.value) WHERE key = {n})" for n in (0, 1))
        return f"""(SELECT CAST(l.key AS INTEGER) AS id, {first} AS first, {last} AS last
            FROM json_each(${parameter}) l) AS listed"""
    return f"""(SELECT l.key::bigint AS id, l.value ->> 0 AS first, l.value ->> 1 AS last
        FROM json_each(${parameter}::json) l) AS listed"""


_AS_IT_IS = frozenset((str, int, bool, NoneType))


def _as_text(values: Sequence[object]) -> list[object]:
    """SQLite keeps dates as text, in the form in which Tortoise writes them: moments in UTC, for
    they are compared as texts. A list is handed to it as JSON."""
    return [
        value
        if type(value) in _AS_IT_IS  # nearly all, and an import writes very many
        else value.astimezone(UTC).isoformat(" ")
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else json.dumps(_as_text(value))
        if isinstance(value, list)
        else value
        for value in values
    ]


@cache
def _converters(row: type[NamedTuple]) -> list[Any]:
    """How a value of each column comes back from SQLite, None where it comes as it is."""
    from_text = {date: date.fromisoformat, datetime: datetime.fromisoformat, bool: bool}
    converters = []
    for hint in get_type_hints(row).values():
        options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
        converters.append(next((from_text[o] for o in options if o in from_text), None))
    return converters


class _Moment(NamedTuple):
    moment: datetime


async def database_time() -> datetime | None:
    """What the database's clock shows now; None in SQLite, which has none of its own."""
    if is_sqlite(_connection()):
        return None
    return (await fetch(_Moment, "SELECT clock_timestamp()"))[0].moment

"""Read and write rows by SQL."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from models.database import postgres, sqlite
from models.database.sqlite import is_sqlite
from models.database.sqlite_commits import Turn
from models.database.transactions import connection, give_time, transaction
from models.database.values import Row, as_text, maker_of

AT_ONCE = 1_000
"""How many rows are made before other tasks get a turn: they take some milliseconds."""


async def fetch(row: type[Row], sql: str, *values: object) -> list[Row]:
    """Return the rows that `sql` selects. Its columns are in the order of `row`'s fields. Raises
    `Busy` and `DatabaseLost`."""
    records, is_text = await _records(sql, values)
    make = maker_of(row, is_text=is_text)
    if len(records) <= AT_ONCE:
        return list(map(make, records))
    return await _made_in_turns(make, records)


async def _made_in_turns(make: Callable[[Any], Row], records: Sequence[Any]) -> list[Row]:
    """Make many rows without holding up the event loop."""
    made: list[Row] = []
    for begin in range(0, len(records), AT_ONCE):
        made += map(make, records[begin : begin + AT_ONCE])
        await asyncio.sleep(0)
    return made


class Id(NamedTuple):
    """A row of one id."""

    id: int


class Number(NamedTuple):
    """A row of one number, such as a count."""

    number: int


async def fetch_first(row: type[Row], sql: str, *values: object) -> Row | None:
    """The first row that `sql` selects, None if there is none. Raises as `fetch` does."""
    rows = await fetch(row, sql, *values)
    return rows[0] if rows else None


async def fetch_joined(
    rows: Sequence[type[NamedTuple]], sql: str, *values: object
) -> list[list[Any]]:
    """Return a list of rows for each type in `rows`, with a row for each record that `sql` selects.
    A record has the columns of the first type, then those of the second, and so on. A row whose
    first column is null is None."""
    records, is_text = await _records(sql, values)
    made, begin = [], 0
    for row in rows:
        make, columns = maker_of(row, is_text=is_text), slice(begin, begin + len(row._fields))
        made.append([None if r[begin] is None else make(r[columns]) for r in records])
        begin = columns.stop
    return made


@lru_cache(maxsize=1_000)
def select_list(table: str, row: type[NamedTuple], columns: frozenset[str] | None = None) -> str:
    """Return the columns of `table` that make a `row`. If `columns` is given, NULL is read in place
    of all others, which costs next to nothing."""
    return ", ".join(
        f"{table}.{column}" if columns is None or column in columns else "NULL"
        for column in row._fields
    )


def columns_of_new(row: NamedTuple) -> dict[str, object]:
    """The columns of a row that is to be inserted: all but its id, which the database gives."""
    columns = row._asdict()
    del columns["id"]
    return columns


async def insert(table: str, **values: object) -> int:
    """Insert a row into `table`. Returns its id."""
    return int((await insert_many(table, [values], "id"))[0]["id"])


async def insert_many(
    table: str, rows: Sequence[Mapping[str, object]], returning: str
) -> list[dict[str, Any]]:
    """Insert rows into `table`, all with the same columns, in one statement. Returns the columns
    `returning` of each, in no particular order."""
    if not rows:
        return []
    sql, values = _insertion(table, rows)
    return await write(f"{sql} RETURNING {returning}", *values)


class Statement(NamedTuple):
    """A statement that changes rows, with the values of its parameters."""

    sql: str
    values: Sequence[object]


NEW_ID = "the id of the new row"
"""Stands in the values of an UPDATE for the id of the row that is inserted with it."""


async def insert_and_update(
    table: str, row: Mapping[str, object], update: Statement
) -> Mapping[str, Any]:
    """Insert a row, and update a row of another table that may refer to it by `NEW_ID`. PostgreSQL
    does both in one round trip. Returns the new row's id, and what the UPDATE returns."""
    if is_sqlite(connection()):
        new_id = await insert(table, **row)
        values = [new_id if value is NEW_ID else value for value in update.values]
        (returned,) = await write(update.sql, *values)
        return {"id": new_id, **returned}
    sql, inserted = _insertion(table, [row], len(update.values))
    place = f"${update.values.index(NEW_ID) + 1}"
    changed = re.sub(rf"\{place}\b", f"COALESCE({place}, (SELECT id FROM new))", update.sql)
    values = [None if value is NEW_ID else value for value in update.values]
    sql = f"WITH new AS ({sql} RETURNING id), updated AS ({changed}) SELECT * FROM new, updated"
    (returned,) = await write(sql, *values, *inserted)
    return dict(returned)


async def update_and_insert(
    update: Statement, *into: tuple[str, Sequence[Mapping[str, object]]]
) -> None:
    """Carry out an UPDATE, and insert rows into tables, for each its rows with the same columns
    (none, or some): on PostgreSQL in one round trip."""
    filled = [(table, rows) for table, rows in into if rows]
    if is_sqlite(connection()):
        await write(update.sql, *update.values)
        for table, rows in filled:
            sql, values = _insertion(table, rows)
            await write(sql, *values)
        return
    values, steps = list(update.values), [f"updated AS ({update.sql})"]
    for table, rows in filled:
        sql, inserted = _insertion(table, rows, len(values))
        values += inserted
        steps.append(f"{table}_rows AS ({sql})")
    await write(f"WITH {', '.join(steps)} SELECT 1", *values)


def _insertion(
    table: str, rows: Sequence[Mapping[str, object]], bound: int = 0
) -> tuple[str, list[object]]:
    """Return an INSERT of rows, and its values. Its parameters are numbered from `bound` + 1."""
    columns = tuple(rows[0])
    if len(rows) == 1:
        return _insertion_of_one(table, columns, bound), list(rows[0].values())
    width = len(columns)
    begins = range(bound + 1, bound + 1 + len(rows) * width, width)
    sql = _insertion_head(table, columns) + ", ".join([_places(begin, width) for begin in begins])
    return sql, [row[column] for row in rows for column in columns]


@lru_cache(maxsize=1_000)
def _insertion_of_one(table: str, columns: tuple[str, ...], bound: int) -> str:
    """Nearly all inserts are of one row, and to make their text takes longer than to run them."""
    return _insertion_head(table, columns) + _places(bound + 1, len(columns))


def _insertion_head(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES "


def _places(begin: int, width: int) -> str:
    return f"({', '.join([f'${number}' for number in range(begin, begin + width)])})"


async def write(sql: str, *values: object) -> list[dict[str, Any]]:
    """Run a statement that changes rows. Returns what it has after RETURNING. Raises `Busy`,
    `DatabaseLost`, and `IntegrityError` if the rows break a constraint."""
    client = connection()
    if not is_sqlite(client):
        return list(await client.execute_query_dict(sql, list(values)))
    sql, texts = sql.replace("$", "?"), as_text(values)
    if isinstance(client, Turn):
        return [dict(record) for record in await client.records(sql, texts)]
    return list(await client.execute_query_dict(sql, texts))


async def _records(sql: str, values: Sequence[object]) -> tuple[Sequence[Any], bool]:
    """Return the records, and whether they come from SQLite, with dates as text."""
    client = connection()
    is_text = is_sqlite(client)
    if is_text:
        sql, values = sql.replace("$", "?"), as_text(values)
    if isinstance(client, Turn):
        return await client.records(sql, values), is_text
    if isinstance(client, sqlite.Client | postgres.Client):
        return await client.read(sql, values), is_text
    _, records = await client.execute_query(sql, list(values))  # within a transaction
    return records, is_text


async def take_stock(*tables: str) -> None:
    """Have PostgreSQL measure tables that have grown. It does so by itself after a minute; until
    then it may read all rows of a practice instead of using an index."""
    if is_sqlite(connection()):
        return
    async with transaction() as begun:
        await give_time(begun)
        await begun.execute_query(f"ANALYZE {', '.join(tables)}")


class _Moment(NamedTuple):
    moment: datetime


async def database_time() -> datetime | None:
    """Return the time by the database's clock, None for SQLite, which has no clock of its own."""
    if is_sqlite(connection()):
        return None
    return (await fetch(_Moment, "SELECT clock_timestamp()"))[0].moment

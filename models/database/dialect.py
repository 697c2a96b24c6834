"""SQL that is not the same on SQLite and PostgreSQL.

Statements are written once for both, with numbered parameters ($1, $2, …).
"""

from models.database.sqlite import is_sqlite
from models.database.transactions import connection


def for_update() -> str:
    """The end of a SELECT that locks its rows until the transaction ends. SQLite needs none: its
    writing transactions come one after the other."""
    return "" if is_sqlite(connection()) else "FOR UPDATE"


def for_update_but_its_key() -> str:
    """As `for_update`, but rows that point to the locked one may still be inserted."""
    return "" if is_sqlite(connection()) else "FOR NO KEY UPDATE"


def for_update_if_free() -> str:
    """As `for_update`, but rows that another transaction has locked are passed over."""
    return "" if is_sqlite(connection()) else "FOR UPDATE SKIP LOCKED"


def kept(table: str) -> str:
    """The end of a SELECT whose rows of `table` are not locked by `for_update` until the
    transaction ends. Others may keep them too, and change all but their keys."""
    return "" if is_sqlite(connection()) else f"FOR KEY SHARE OF {table}"


def has_row_locks() -> bool:
    """Whether a row can be locked by another transaction. In SQLite there is no other one."""
    return not is_sqlite(connection())


def unplanned(parameter: int) -> str:
    """SQL for the number in `parameter`, hidden from PostgreSQL's planner. Otherwise PostgreSQL
    plans the statement again each time for the given practice, which costs more than running it."""
    return f"(SELECT CAST(${parameter} AS BIGINT))"


def among(column: str, parameter: int, kind: str = "bigint") -> str:
    """SQL that is true where `column` is one of the numbers, or texts, in the list `parameter`."""
    if is_sqlite(connection()):
        return f"{column} IN (SELECT value FROM json_each(${parameter}))"
    return f"{column} = ANY(${parameter}::{kind}[])"


def among_found(column: str, select: str) -> str:
    """SQL that is true where `column` is one of the numbers that a SELECT finds, which is run once
    and first. PostgreSQL would join the two, by a loop in a loop while it knows nothing of a table
    that has just grown."""
    if is_sqlite(connection()):
        return f"{column} IN ({select})"
    return f"{column} = ANY(ARRAY({select}))"


def any_among(column: str, parameter: int) -> str:
    """SQL that is true where one of the numbers in the JSON list `column` is in the list
    `parameter`."""
    if is_sqlite(connection()):
        numbers, number = f"json_each({column}) n", "n.value"
    else:
        numbers, number = f"jsonb_array_elements_text({column}) n (value)", "n.value::bigint"
    return f"EXISTS (SELECT 1 FROM {numbers} WHERE {among(number, parameter)})"


def moments(parameter: int) -> str:
    """SQL for a table `m` whose column `moment` has the moments in the list `parameter`."""
    if is_sqlite(connection()):
        return f"(SELECT value AS moment FROM json_each(${parameter})) AS m"
    return f"unnest(${parameter}::timestamptz[]) AS m (moment)"


def hours_between(begin: str, end: str) -> str:
    """SQL for the hours from one moment to another. In SQLite they are right to a millisecond."""
    if is_sqlite(connection()):
        return f"(julianday({end}) - julianday({begin})) * 24"
    return f"CAST(EXTRACT(EPOCH FROM {end} - {begin}) AS DOUBLE PRECISION) / 3600"


def word_lists(parameter: int) -> str:
    """SQL for a table `listed (id, word)`, made of the JSON object `parameter`: words by ids."""
    if is_sqlite(connection()):
        return f"""(SELECT CAST(l.key AS INTEGER) AS id, w.value AS word
            FROM json_each(${parameter}) l, json_each(l.value) w) AS listed"""
    return f"""(SELECT l.key::bigint AS id, w AS word
        FROM json_each(${parameter}::json) l, json_array_elements_text(l.value) w) AS listed"""


def texts_of(parameter: int, *names: str) -> str:
    """SQL for a table `listed` with an `id` and columns of these names, made of the JSON object
    `parameter`: lists of as many texts, or nulls, by ids."""
    if is_sqlite(connection()):
        one = "(SELECT value FROM json_each(l.value) WHERE key = {}) AS {}"
        values = (one.format(n, name) for n, name in enumerate(names))
        return f"""(SELECT CAST(l.key AS INTEGER) AS id, {", ".join(values)}
            FROM json_each(${parameter}) l) AS listed"""
    values = (f"l.value ->> {n} AS {name}" for n, name in enumerate(names))
    return f"""(SELECT l.key::bigint AS id, {", ".join(values)}
        FROM json_each(${parameter}::json) l) AS listed"""

"""The database: opened once per process, and used with the same SQL for SQLite and PostgreSQL.
Only this package knows which of the two it is.
"""

from models.database.connections import (
    MAKEMIGRATIONS_CONFIG,
    migrate,
    opened,
    orm_config,
    until_lost,
)
from models.database.dialect import (
    among,
    any_among,
    for_update,
    for_update_but_its_key,
    has_row_locks,
    hours_between,
    moments,
    pairs,
    unplanned,
    word_lists,
)
from models.database.opening import CannotOpen
from models.database.rows import (
    NEW_ID,
    Id,
    Number,
    Statement,
    columns_of_new,
    database_time,
    fetch,
    fetch_first,
    fetch_joined,
    insert,
    insert_and_update,
    insert_many,
    select_list,
    take_stock,
    update_and_insert,
    write,
)
from models.database.transactions import snapshot, transaction
from models.database.values import Row

__all__ = [
    "CannotOpen",
    "Id",
    "MAKEMIGRATIONS_CONFIG",
    "NEW_ID",
    "Number",
    "Row",
    "Statement",
    "among",
    "any_among",
    "columns_of_new",
    "database_time",
    "fetch",
    "fetch_first",
    "fetch_joined",
    "for_update",
    "for_update_but_its_key",
    "hours_between",
    "insert",
    "insert_and_update",
    "insert_many",
    "has_row_locks",
    "migrate",
    "moments",
    "opened",
    "orm_config",
    "pairs",
    "select_list",
    "snapshot",
    "take_stock",
    "transaction",
    "unplanned",
    "until_lost",
    "update_and_insert",
    "word_lists",
    "write",
]

"""The database: opened once per process, and used with the same SQL for SQLite and PostgreSQL.
Only this package knows which of the two it is.
"""

from models.database.connections import (
    MAKEMIGRATIONS_CONFIG,
    check,
    grant_serving,
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
from models.database.rights import may_delete, owns_tables
from models.database.rows import (
    NEW_ID,
    Id,
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
from models.database.secret import read_secret, secret, tell_of_secret, use_secret
from models.database.transactions import reading_apart, snapshot, transaction
from models.database.values import Row

__all__ = [
    "CannotOpen",
    "Id",
    "MAKEMIGRATIONS_CONFIG",
    "NEW_ID",
    "Row",
    "Statement",
    "among",
    "any_among",
    "check",
    "columns_of_new",
    "database_time",
    "fetch",
    "fetch_first",
    "fetch_joined",
    "for_update",
    "for_update_but_its_key",
    "grant_serving",
    "hours_between",
    "insert",
    "insert_and_update",
    "insert_many",
    "has_row_locks",
    "may_delete",
    "migrate",
    "moments",
    "opened",
    "orm_config",
    "owns_tables",
    "pairs",
    "read_secret",
    "reading_apart",
    "secret",
    "select_list",
    "snapshot",
    "take_stock",
    "tell_of_secret",
    "transaction",
    "unplanned",
    "until_lost",
    "update_and_insert",
    "use_secret",
    "word_lists",
    "write",
]

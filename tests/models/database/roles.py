"""Two roles of PostgreSQL: one owns the tables, the other serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from models.database import grant_serving
from tests.conftest import with_database

PASSWORD = "s3cret"


class TwoRoles(NamedTuple):
    """The addresses of one database, up to date, as its owner and as the role that serves."""

    owner_url: str
    serving_url: str
    owner: str
    serving: str


# A copy of the template belongs to whoever has made the template.
OWN = """DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT oid::regclass AS name FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP EXECUTE format('ALTER TABLE %s OWNER TO {owner}', c.name); END LOOP;
    FOR c IN SELECT oid::regprocedure AS name FROM pg_proc
             WHERE pronamespace = 'public'::regnamespace
    LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO {owner}', c.name); END LOOP;
END $$"""


@asynccontextmanager
async def two_roles(postgres_url: str, template: str) -> AsyncIterator[TwoRoles]:
    """Both roles, and a copy of the database `template` for them."""
    suffix = uuid4().hex[:8]
    owner, serving, name = (f"{what}_{suffix}" for what in ("owner", "app", "callboard"))
    admin = await asyncpg.connect(postgres_url)
    try:
        for role in (owner, serving):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
        try:
            await execute(with_database(postgres_url, name), OWN.format(owner=owner))
            url = with_database(postgres_url, name)
            roles = TwoRoles(_as_role(url, owner), _as_role(url, serving), owner, serving)
            await grant_serving(roles.owner_url, serving)
            yield roles
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {owner}, {serving}")
    finally:
        await admin.close()


async def execute(url: str, statement: str) -> None:
    """Run a statement as the user in `url`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _as_role(url: str, role: str) -> str:
    """`url` with another user."""
    user, _, host = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}@{host}", f"{role}:{PASSWORD}@{host}", 1)

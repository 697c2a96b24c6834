"""Keys for the people and programs of a benchmark."""

from typing import Any

from gql_app.access import keys
from gql_app.clock import machine_time
from gql_app.work.changes import Changes
from gql_app.work.ringing import ring_nobody
from models.practice import Practice
from models.roles import Role


async def create_key(practice: Practice, role: Role, name: str, **how: Any) -> str:
    changes = Changes(ring_nobody, machine_time)
    return (await changes.make_for(practice.id, keys.create_key, role, name, **how)).key

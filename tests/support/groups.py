"""A group of practices, and a page whose person supervises it."""

from dataclasses import dataclass
from typing import Any

import httpx

from gql_app.access import Viewer, authenticate
from gql_app.access.signin import begin_session
from gql_app.access.tokens import SESSION
from gql_app.schema.ids import global_id
from gql_app.work.changes import Changes
from gql_app.work.groups import appoint, create_group, join_group
from gql_app.work.guests import settle_guests
from gql_app.work.reads.groups import group_called
from models.access import AccessKey, KeyKind
from models.group import PracticeGroup
from models.people import Staff
from models.practice import Practice
from models.roles import Role
from tests.office import Office
from tests.serving import Server
from tests.support import access

KIM = "Kim Overseer"


async def make_group(
    changes: Changes, *practices: Practice, slug: str = "trees", name: str = "Tree Dental"
) -> PracticeGroup:
    """A group of these practices, without a supervisor."""
    await create_group(changes, slug, name)
    group = await group_called(slug)
    for practice in practices:
        assert not await changes.make_for(practice.id, join_group, group)
    return group


async def make_person(
    changes: Changes, practice: Practice, name: str = KIM, role: Role = Role.SUPERVISOR, **how: Any
) -> AccessKey:
    """Somebody who was invited."""
    await access.invite(changes, practice, name, role, **how)
    staff = await Staff.get(practice_id=practice.id, name=name)
    kind = KeyKind.PERSON
    return await AccessKey.get(practice_id=practice.id, staff_id=staff.id, kind=kind)


async def make_supervisor(
    changes: Changes, group: PracticeGroup, practice: Practice, name: str = KIM
) -> AccessKey:
    """Somebody of a practice who supervises its group."""
    person = await make_person(changes, practice, name)
    assert not await changes.make_for(practice.id, appoint, group, person.staff_id)
    await settle_guests(changes)
    return person


@dataclass
class Page:
    """A page of somebody who has signed in, by their session's cookie."""

    server: Server
    client: httpx.AsyncClient
    session: str
    viewer: Viewer

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"callboard={self.session}"}

    def headers(self, practice: Practice | None = None) -> dict[str, str]:
        """What the page sends along with each request."""
        own = {"origin": self.server.url, **self.cookie}
        return own if practice is None else own | {"x-callboard-practice": practice_id(practice)}

    async def visit(self, practice: Practice, **headers: str) -> httpx.Response:
        body = {"practice": practice_id(practice)}
        sent = self.headers() | headers
        return await self.client.post("/visits", json=body, headers=sent)

    async def post(
        self, query: str, practice: Practice | None = None, **variables: Any
    ) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return await self.client.post("/graphql", json=body, headers=self.headers(practice))

    async def data(self, query: str, practice: Practice | None = None, **variables: Any) -> Any:
        answer = (await self.post(query, practice, **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]


def practice_id(practice: Practice) -> str:
    """A practice's global id."""
    return global_id("Practice", practice.id)


async def sign_in(server: Server, person: AccessKey) -> Page:
    """A page of a person."""
    make_for = server.office.changes.make_for
    signed_in = await make_for(person.practice_id, begin_session, person.id, "Test")
    viewer = await authenticate(signed_in.token, SESSION)
    return Page(server, server.client, signed_in.token, viewer)


async def guest_at(office: Office) -> AccessKey:
    """The only guest of a practice."""
    return await AccessKey.get(practice_id=office.practice.id, kind=KeyKind.GUEST)

"""/visits: who supervises a group of practices goes on to another one of it, without signing in
again. From then on the page names the practice in the header X-Callboard-Practice."""

import logging
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_app.access import Forbidden, KeyLookup, Origin, Viewer
from gql_app.access.visits import NOT_OF_GROUP, begin_visit, practices_of_group
from gql_app.logs import SECURITY
from gql_app.schema.errors import FORBIDDEN
from gql_app.schema.ids import read_id_of
from gql_app.schema.viewer import viewer_id
from gql_app.web.accepting import JSON
from gql_app.web.addresses import client_address
from gql_app.web.connections import prove
from gql_app.web.credentials import at_home, check_own_page, session_token
from gql_app.web.http_errors import refusal
from gql_app.web.requests import MAX_SMALL_BODY, read_body, read_json
from gql_app.work.access_log import Access, AccessLog
from gql_app.work.changes import Changes
from gql_app.work.reads.conditions import BadInput
from models.audit import AuditAction

security = logging.getLogger(SECURITY)

VISIT = "visit"
"""What it is called in the audit."""


@dataclass(frozen=True, slots=True)
class Visits:
    """The endpoint for visits."""

    keys: KeyLookup
    changes: Changes
    access_log: AccessLog

    def routes(self) -> list[Route]:
        return [Route("/visits", self.visit, methods=["POST"])]

    async def visit(self, request: Request) -> Response:
        """Begin a visit, or go on with it: answers who the viewer is there."""
        try:
            check_own_page(request, "Visits are for the pages of this server.")
            viewer = await at_home(self.keys, request)
            prove(request.scope)
            practice_id = _asked(read_json(await read_body(request, MAX_SMALL_BODY)))
            there = await self._begun(request, viewer, practice_id)
            body = orjson.dumps({"viewer": viewer_id(there)})
            return Response(body, media_type=JSON, headers={"Cache-Control": "no-store"})
        except Exception as error:
            return refusal(error)

    async def _begun(self, request: Request, viewer: Viewer, practice_id: int) -> Viewer:
        """Who the viewer is in a practice of their group. Raises `Forbidden`."""
        origin = Origin(VISIT, client_address(request.scope))
        session = session_token(request)
        group = {practice.id: practice for practice in await practices_of_group(viewer)}
        found, home = group.get(practice_id), group.get(viewer.practice_id)
        if found is None or home is None or session is None:
            refused = Access.by(viewer, origin, AuditAction.REFUSED, result=FORBIDDEN)
            self.access_log.note(refused, {None})
            raise Forbidden(NOT_OF_GROUP)
        if found.is_home:
            return viewer
        assert found.guest_id is not None
        changes = self.changes.asked(origin)
        who = (found.guest_id, viewer, session, home.slug)
        await changes.make_for(practice_id, begin_visit, *who)
        there = await self.keys.visitor(session, practice_id)
        whose = {"practice": there.practice_id, "key": there.key_id}
        security.info("visit_begun", extra=whose)
        return there


def _asked(body: object) -> int:
    match body:
        case {"practice": str(practice)}:
            return read_id_of("Practice", practice)
    raise BadInput('Send {"practice": "…"}, with an id that viewer.group has given.')

"""Signing in to the dashboard, staying there, and leaving it; making passkeys.

/session: POST signs in with a key, a link or a passkey, PUT says that the person is there, DELETE
signs out. /passkeys/options begins making a passkey, or signing in with one; /passkeys keeps a new
one.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_app.access import (
    KEY,
    Forbidden,
    KeyLookup,
    Origin,
    Unauthenticated,
    Viewer,
    ceremonies,
    digest,
    passkeys,
    people,
    practice_of,
)
from gql_app.access.ceremonies import Page
from gql_app.access.challenges import Challenges
from gql_app.access.identity import provider_of
from gql_app.access.last_use import LastUse
from gql_app.access.passkeys import CannotAdd
from gql_app.access.people import Person
from gql_app.access.signin import (
    SESSION_LASTS,
    SignedIn,
    begin_session,
    begin_session_by_link,
    end_session,
    has_just_signed_in,
    practice_of_link,
)
from gql_app.access.tokens import LINK
from gql_app.logs import SECURITY
from gql_app.logs.request import current
from gql_app.web.accepting import JSON
from gql_app.web.addresses import client_address, client_network
from gql_app.web.credentials import (
    at_home,
    check_own_page,
    holder_of,
    note_refused_key,
    put_cookies,
)
from gql_app.web.devices import device_of
from gql_app.web.http_errors import refusal
from gql_app.web.requests import MAX_SMALL_BODY, read_body, read_json
from gql_app.work.access_log import Access, AccessLog
from gql_app.work.changes import Changes
from gql_app.work.reads.conditions import BadInput
from models.audit import AuditAction
from models.text import trimmed

security = logging.getLogger(SECURITY)

SIGN_IN, SIGN_OUT, MAKE_PASSKEY = "sign in", "sign out", "make a passkey"
"""What these are called in the audit."""


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What signing in needs."""

    keys: KeyLookup
    changes: Changes
    access_log: AccessLog
    last_use: LastUse
    challenges: Challenges
    idle: timedelta

    @property
    def report_seconds(self) -> int:
        """How often a page says that its person is there, in seconds."""
        return int(min(timedelta(minutes=1), self.idle / 3).total_seconds())

    def routes(self) -> list[Route]:
        return [
            Route("/session", self.session, methods=["POST", "PUT", "DELETE"]),
            Route("/passkeys/options", self.options, methods=["POST"]),
            Route("/passkeys", self.passkeys, methods=["POST"]),
        ]

    async def session(self, request: Request) -> Response:
        try:
            _check_page(request)
            if request.method == "PUT":
                self.last_use.note_activity(await at_home(self.keys, request))
                return _json({"reportAfter": self.report_seconds})
            if request.method == "DELETE":
                with suppress(Unauthenticated):  # it has ended by itself
                    await self._sign_out(request, await at_home(self.keys, request))
                    security.info("signed_out")
                return _with_cookie(request, "", lasts=0)
            body = read_json(await read_body(request, MAX_SMALL_BODY))
            try:
                signed_in = await self._begun(request, body)
            except Unauthenticated:
                self._note_failure(request, body)
                raise
            return await self._signed_in(request, signed_in)
        except Unauthenticated as refused:
            note_refused_key(refused, "sign_in_refused")
            return refusal(refused)
        except Exception as error:
            return refusal(error)

    async def options(self, request: Request) -> Response:
        """What a browser needs to make a passkey, or to sign in with one; and who is invited."""
        try:
            page = _check_page(request)
            body = read_json(await read_body(request, MAX_SMALL_BODY))
            if body == {"signIn": True}:
                return _json(await ceremonies.sign_in_options(self.challenges, page))
            person, purpose = await self._maker(request, body)
            there = await passkeys.passkeys_of(person.practice_id, person.staff_id)
            making = (self.challenges, page, person, there, purpose)
            made = await ceremonies.new_options(*making)
            return _json({**await _named(person), "options": made})
        except Exception as error:
            return refusal(error)

    async def passkeys(self, request: Request) -> Response:
        """Keep the passkey that was made. Somebody who was invited is signed in by that."""
        try:
            page = _check_page(request)
            body = read_json(await read_body(request, MAX_SMALL_BODY))
            person, purpose = await self._maker(request, body)
            response, device = _credential(body, "credential"), _device(request)
            checked = (self.challenges, page, response, purpose, device)
            new = await ceremonies.checked_new(*checked)
            make_for = self._asked(request, MAKE_PASSKEY).make_for
            if body.get("add") is True:
                await make_for(person.practice_id, passkeys.add_passkey, person, new)
                return Response(status_code=204)
            accept, invite = passkeys.accept_with_passkey, trimmed(body["invite"])
            signed_in = await make_for(person.practice_id, accept, invite, new, device)
            return await self._signed_in(request, signed_in)
        except CannotAdd as error:
            return refusal(BadInput(str(error)))
        except Unauthenticated as refused:
            note_refused_key(refused, "passkey_refused")
            return refusal(refused)
        except Exception as error:
            return refusal(error)

    async def _begun(self, request: Request, body: object) -> SignedIn:
        changes, device = self._asked(request, SIGN_IN), _device(request)
        where = partial(client_network, request.scope)
        match body:
            case {"key": str(key)}:
                viewer = await self.keys.authenticate(trimmed(key), where=where)
                _note_whose(viewer.practice_id, viewer.key_id)
                return await changes.make(viewer, begin_session, viewer.key_id, device)
            case {"link": str(link)}:
                link = trimmed(link)
                with self.keys.guesses.attempt(where):
                    practice_id = await practice_of_link(link, changes.clock())
                _note_whose(practice_id)
                return await changes.make_for(practice_id, begin_session_by_link, link, device)
            case {"passkey": dict()}:
                page, response = _check_page(request), _credential(body, "passkey")
                with self.keys.guesses.attempt(where):
                    answer = await passkeys.find_answer(self.challenges, page, response)
                _note_whose(answer.practice_id)
                begin = passkeys.begin_session_by_passkey
                return await changes.make_for(answer.practice_id, begin, answer, device)
        raise BadInput('Send {"key": "…"}, {"link": "…"} or {"passkey": {…}}.')

    async def _maker(self, request: Request, body: object) -> tuple[Person, str]:
        """Who may make a passkey, and what its challenge is for. Raises `Unauthenticated` and
        `Forbidden`."""
        match body:
            case {"add": True}:
                viewer = await at_home(self.keys, request)
                found = await people.person_behind(viewer)
                if found is None:
                    raise Forbidden("Passkeys are for people who were invited.")
                if not await has_just_signed_in(viewer, self.changes.clock()):
                    raise Forbidden("Sign out and in again first, then add the passkey.")
                return found, f"add {viewer.key_id}"
            case {"invite": str(invite)}:
                token = trimmed(invite)
                with self.keys.guesses.attempt(partial(client_network, request.scope)):
                    person = await people.invited(token, self.changes.clock())
                return person, f"invite {digest(token)}"
        raise BadInput('Send {"signIn": true}, {"invite": "…"} or {"add": true}.')

    async def _signed_in(self, request: Request, signed_in: SignedIn) -> Response:
        security.info("signed_in")
        # The cookie of the session before is lost with this answer: nobody could end it later.
        with suppress(Unauthenticated):
            await self._sign_out(request, await holder_of(self.keys, request))
        return _with_cookie(request, signed_in.token, int(SESSION_LASTS.total_seconds()))

    async def _sign_out(self, request: Request, viewer: Viewer) -> None:
        await self._asked(request, SIGN_OUT).make(viewer, end_session, viewer)

    def _asked(self, request: Request, what: str) -> Changes:
        return self.changes.asked(Origin(what, client_address(request.scope)))

    def _note_failure(self, request: Request, body: object) -> None:
        """Note that somebody could not sign in at the practice that they have named."""
        practice_id = None
        match body:
            case {"key": str(sent)}:
                practice_id = practice_of(trimmed(sent), KEY)
            case {"link": str(sent)}:
                practice_id = practice_of(trimmed(sent), LINK)
            case {"passkey": dict(sent)}:
                with suppress(Unauthenticated):
                    practice_id = ceremonies.claimed(sent).practice_id
        if practice_id is not None:
            action, address = AuditAction.SIGN_IN, client_address(request.scope)
            who = Access(
                practice_id, action, SIGN_IN, address, None, None, result="UNAUTHENTICATED"
            )
            self.access_log.note(who, {None})


def _note_whose(practice_id: int, key_id: int | None = None) -> None:
    """For the log."""
    if (facts := current()) is not None:
        facts.practice_id, facts.key_id = practice_id, key_id


async def _named(person: Person) -> dict[str, Any]:
    """Who somebody is, and by which provider they may sign in."""
    found = await provider_of(person.practice_id)
    provider = found and {"slug": found.slug, "host": urlsplit(found.issuer).hostname}
    return {"name": person.name, "practice": person.practice, "provider": provider}


def _check_page(request: Request) -> Page:
    """The page that asks. Raises `Forbidden` if it is not one of this server."""
    check_own_page(request, "Signing in and out is for the pages of this server.")
    return Page(request.url.hostname or "", request.headers["origin"])


def _device(request: Request) -> str:
    return device_of(request.headers.get("user-agent", ""))


def _credential(body: object, name: str) -> dict[str, Any]:
    if isinstance(body, dict) and isinstance(body.get(name), dict):
        return dict(body[name])
    raise BadInput(f"{name} is what the browser made, as JSON.")


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type=JSON, headers={"Cache-Control": "no-store"})


def _with_cookie(request: Request, token: str, lasts: int) -> Response:
    response = Response(status_code=204)
    put_cookies(response, request, token, lasts)
    return response

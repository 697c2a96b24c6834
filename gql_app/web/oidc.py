"""Signing in by a practice's identity provider.

/oidc/begin/SLUG sends the browser there: GET for a link or a bookmark, POST for our own page, which
may have an invitation. It comes back to /oidc/callback. What was asked for is kept in a cookie
meanwhile, so that only the browser that asked can come back.
"""

import asyncio
import base64
import hmac
import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gql_app.access import Forbidden, Origin, Unauthenticated
from gql_app.access.identity import (
    NotVouchedFor,
    Provider,
    begin_session_by_provider,
    provider_called,
)
from gql_app.access.signin import SESSION_LASTS
from gql_app.clock import seconds_passed
from gql_app.logs import SECURITY
from gql_app.web.accepting import JSON
from gql_app.web.addresses import client_address
from gql_app.web.credentials import (
    is_on_loopback,
    is_own_page,
    note_refused_key,
    note_refused_origin,
    put_cookies,
)
from gql_app.web.devices import device_of
from gql_app.web.http_errors import refusal
from gql_app.web.requests import MAX_SMALL_BODY, read_body, read_json
from gql_app.work.changes import Changes
from gql_app.work.reads.conditions import BadInput
from models.text import trimmed

if TYPE_CHECKING:
    from gql_app.access.issuers import Asked, Issuers

log = logging.getLogger(__name__)
security = logging.getLogger(SECURITY)

COOKIE, LOOPBACK_COOKIE = "__Host-callboard-oidc", "callboard-oidc"
ASKED_SECONDS = 600
SIGN_IN = "sign in by the provider"
REFUSED = "/#refused"
"""Where a browser ends up that does not get in. The page says so, and no more: the log has why."""


class SigningInByProvider:
    """`secrets` is the folder with the clients' secrets, a file a practice, if there is one."""

    def __init__(self, changes: Changes, secrets: Path | None) -> None:
        self._changes = changes
        self._secrets = secrets
        self._made: Issuers | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/oidc/begin/{slug}", self.begin, methods=["GET", "POST"]),
            Route("/oidc/callback", self.callback, methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        try:
            if request.method == "GET":
                asked, where = await self._asked(request, slug, "")
                response: Response = RedirectResponse(where, 303)
            else:
                if not is_own_page(request):
                    note_refused_origin(request)
                    raise Forbidden("Signing in is for the pages of this server.")
                body = read_json(await read_body(request, MAX_SMALL_BODY))
                invite = body.get("invite") if isinstance(body, dict) else None
                if not isinstance(invite, str):
                    raise BadInput('Send {"invite": "…"}.')
                asked, where = await self._asked(request, slug, trimmed(invite))
                response = Response(orjson.dumps({"location": where}), media_type=JSON)
        except NotVouchedFor as error:
            log.warning("signing in by the provider of %r: %s", slug, error)
            message = "The identity provider cannot be reached, or is not set up."
            return refusal(BadInput(message)) if request.method == "POST" else _refused(request)
        except Exception as error:
            return refusal(error)
        _keep(response, request, base64.urlsafe_b64encode(orjson.dumps([*asked])).decode())
        return response

    async def callback(self, request: Request) -> Response:
        try:
            signed_in = await self._signed_in(request)
        except NotVouchedFor as error:
            log.warning("signing in by a provider: %s", error)
            return _refused(request)
        except Unauthenticated as refused:
            note_refused_key(refused, "sign_in_refused")
            return _refused(request)
        except Exception as error:
            return refusal(error)
        security.info("signed_in")
        response = RedirectResponse("/", 303)
        put_cookies(response, request, signed_in, int(SESSION_LASTS.total_seconds()))
        _keep(response, request, "")
        return response

    async def _asked(self, request: Request, slug: str, invite: str) -> tuple["Asked", str]:
        issuers, provider = await self._issuers(), await self._provider(slug)
        asked = import_module("gql_app.access.issuers").Asked.anew(slug, invite)
        return asked, await issuers.address(provider, asked, _back(request))

    async def _signed_in(self, request: Request) -> str:
        """The token of the session. Raises `NotVouchedFor` and `Unauthenticated`."""
        issuers, asked = await self._issuers(), _read(request)
        code, state = (request.query_params.get(name, "") for name in ("code", "state"))
        if asked is None or not hmac.compare_digest(asked.state.encode(), state.encode()):
            raise NotVouchedFor("the browser that came back is not the one that asked")
        provider = await self._provider(asked.slug)
        if request.query_params.get("iss", provider.issuer) != provider.issuer:
            raise NotVouchedFor("another provider has answered")
        if not code:
            raise NotVouchedFor("the provider gave no code")
        secret = await asyncio.to_thread(self._secret, provider)
        vouched = await issuers.vouched(provider, asked, code, _back(request), secret)
        device = device_of(request.headers.get("user-agent", ""))
        begin, here = begin_session_by_provider, provider.practice_id
        changes = self._changes.asked(Origin(SIGN_IN, client_address(request.scope)))
        signed_in = await changes.make_for(here, begin, vouched, asked.invite, device)
        return signed_in.token

    async def _provider(self, slug: str) -> Provider:
        provider = await provider_called(slug)
        if provider is None:
            raise NotVouchedFor("there is no provider")
        return provider

    async def _issuers(self) -> "Issuers":
        """Made when it is needed first, by a thread: what it imports takes a while."""
        if self._made is None:
            issuers = await asyncio.to_thread(import_module, "gql_app.access.issuers")
            self._made = self._made or issuers.Issuers(self._changes.clock, seconds_passed)
        assert self._made is not None
        return self._made

    def _secret(self, provider: Provider) -> str | None:
        """The secret of a practice's client; None if it has none, and PKCE alone has to do."""
        if self._secrets is None:
            return None
        try:
            return (self._secrets / provider.slug).read_text().strip() or None
        except FileNotFoundError:
            return None


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}/oidc/callback"


def _read(request: Request) -> "Asked | None":
    """What the browser that comes back has asked for."""
    cookies = cookie_parser(request.headers.get("cookie", ""))
    kept = cookies.get(COOKIE)
    if kept is None and is_on_loopback(request):
        kept = cookies.get(LOOPBACK_COOKIE)
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(kept or ""))
        if not all(isinstance(part, str) for part in parts):
            return None
        asked: Asked = import_module("gql_app.access.issuers").Asked(*parts)
    except (ValueError, TypeError):
        return None
    return asked


def _keep(response: Response, request: Request, asked: str) -> None:
    """Lax, not strict: the browser comes back from another site."""
    names = [COOKIE, LOOPBACK_COOKIE] if is_on_loopback(request) else [COOKIE]
    for name in names:
        response.set_cookie(
            name,
            asked,
            max_age=ASKED_SECONDS if asked else 0,
            secure=name == COOKIE,
            httponly=True,
            samesite="lax",
        )


def _refused(request: Request) -> Response:
    response = RedirectResponse(REFUSED, 303)
    _keep(response, request, "")
    return response

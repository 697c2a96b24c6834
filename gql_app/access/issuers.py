"""Identity providers, as OpenID Connect has them: the code flow with PKCE, and what an id token has
to say before it is believed.

What a provider answers is bounded in size and time, and its word counts for what is signed by its
own keys only.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from gql_app.access.identity import NotVouchedFor, Provider, Vouched, is_safe

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures by a key that only the provider has. Not "none", and not HMAC, whose key we have."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ from ours."""
PATIENCE = 5.0
MAX_ANSWER = 512 * 1024
KEPT_SECONDS = 3600.0
"""How long a provider's addresses and keys are kept. A key that is not known is asked for then."""
REST_SECONDS = 5.0
NAMES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Asked(NamedTuple):
    """What was asked for: to be kept by the browser until it comes back. `verifier` is PKCE's."""

    slug: str
    state: str
    nonce: str
    verifier: str
    invite: str

    @classmethod
    def anew(cls, slug: str, invite: str) -> "Asked":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(slug, state, nonce, verifier, invite)


class _Known(NamedTuple):
    at: float
    addresses: dict[str, str]
    keys: KeySet


class Issuers:
    """The providers that this process has asked. `clock` says what time it is, `passed` gives
    seconds that only ever grow."""

    def __init__(self, clock: Callable[[], datetime], passed: Callable[[], float]) -> None:
        self._clock = clock
        self._passed = passed
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def address(self, provider: Provider, asked: Asked, back: str) -> str:
        """Where a browser goes to sign in. It comes `back` with a code. Raises `NotVouchedFor`."""
        known = await self._of(provider)
        challenge = hashlib.sha256(asked.verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": provider.client_id,
            "redirect_uri": back,
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        address = known.addresses["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"

    async def vouched(
        self, provider: Provider, asked: Asked, code: str, back: str, secret: str | None
    ) -> Vouched:
        """Whom the provider vouches for, by the code that came back. Raises `NotVouchedFor`."""
        known = await self._of(provider)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": asked.verifier,
        }
        headers = {}
        if secret is None:
            form["client_id"] = provider.client_id
        else:
            pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await _ask("POST", known.addresses["token_endpoint"], headers, form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotVouchedFor("the provider gave no id token")
        return self._read(provider, asked, await self._decoded(provider, known, token))

    async def _decoded(self, provider: Provider, known: _Known, token: str) -> dict[str, Any]:
        """The claims of a token that the provider has signed. Raises `NotVouchedFor`."""
        try:
            try:
                return jwt.decode(token, known.keys, algorithms=ALGORITHMS).claims
            except InvalidKeyIdError:  # it may have changed its keys
                self._known.pop(provider.issuer, None)
                keys = (await self._of(provider)).keys
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise NotVouchedFor(f"the id token: {type(error).__name__}") from None

    def _read(self, provider: Provider, asked: Asked, claims: dict[str, Any]) -> Vouched:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise NotVouchedFor(f"the id token: {type(error).__name__} {error}") from None
        if not hmac.compare_digest(str(claims["nonce"]).encode(), asked.nonce.encode()):
            raise NotVouchedFor("the id token is for another sign-in")
        others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (others or "azp" in claims) and claims.get("azp") != provider.client_id:
            raise NotVouchedFor("the id token is for another client")
        email = claims.get("email")
        verified = claims.get("email_verified") is True and isinstance(email, str)
        return Vouched(str(claims["sub"]), str(email).lower() if verified else None)

    async def _of(self, provider: Provider) -> _Known:
        """The provider's addresses and keys. Anybody may cause it to be asked, so it is asked
        once at a time, and not again at once if it has failed. Raises `NotVouchedFor`."""
        issuer = provider.issuer
        async with self._one_at_a_time:
            known, now = self._known.get(issuer), self._passed()
            if known is not None and now - known.at < KEPT_SECONDS:
                return known
            if now - self._failed.get(issuer, -REST_SECONDS) < REST_SECONDS:
                raise NotVouchedFor("the provider has just failed")
            self._failed[issuer] = now
            known = self._known[issuer] = await self._look(provider)
            del self._failed[issuer]
            return known

    async def _look(self, provider: Provider) -> _Known:
        where = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        said = await _ask("GET", where)
        if said.get("issuer") != provider.issuer:
            raise NotVouchedFor("the provider calls itself otherwise")
        addresses = {name: str(said.get(name)) for name in NAMES}
        if not all(is_safe(address) for address in addresses.values()):
            raise NotVouchedFor("the provider names an address without TLS")
        try:
            keys = KeySet.import_key_set(await _ask("GET", addresses["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, KeyError, TypeError, ValueError):
            raise NotVouchedFor("the provider's keys cannot be read") from None
        return _Known(self._passed(), addresses, keys)


async def _ask(
    method: str,
    address: str,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The object that an address answers with. Raises `NotVouchedFor`."""
    body = bytearray()
    host = urlsplit(address).hostname
    try:
        async with (
            httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client,
            client.stream(method, address, headers=headers, data=form) as answer,
        ):
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    raise NotVouchedFor(f"{host} answers with too much")
            if answer.status_code != httpx.codes.OK:
                raise NotVouchedFor(f"{host} answers with {answer.status_code}")
            read = orjson.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotVouchedFor(f"{host}: {type(error).__name__}") from None
    if not isinstance(read, dict):
        raise NotVouchedFor(f"{host} does not answer with an object")
    return read

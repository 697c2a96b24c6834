"""What a page and a person's device do with a passkey, as WebAuthn calls it: the ceremonies.

What a browser sends is checked by `webauthn`; the person has to be verified by their device, and
the page has to be one of this server.
"""

import asyncio
import base64
from typing import Any, NamedTuple

import orjson

from gql_app.access.challenges import Challenges
from gql_app.access.people import Person
from gql_app.access.viewer import Unauthenticated
from models.passkey import PasskeyRow

SIGN_IN = "sign in"
NOT_ACCEPTED = "The passkey was not accepted."
SECONDS = 300
"""How long a browser may wait for the person. The challenge is good for as long."""
ALGORITHMS = (-8, -7, -257)
"""Ed25519, P-256 and RSA, as COSE numbers them."""

Response = dict[str, Any]
"""What the browser made, as its `toJSON` writes it."""


class Page(NamedTuple):
    """The page that asks: its host's name, for which passkeys are made, and its origin."""

    host: str
    origin: str


class NewPasskey(NamedTuple):
    """A passkey that was checked and is not kept yet."""

    credential_id: str
    public_key: bytes
    sign_count: int
    label: str


class Claimed(NamedTuple):
    """Which passkey answers a challenge, as the device says. Nothing vouches for it yet."""

    practice_id: int
    credential_id: str
    challenge: bytes


def handle(practice_id: int, staff_id: int) -> bytes:
    """What a device keeps of whose passkey it is: one for each person, with the practice in front,
    so that it is known when the device answers."""
    return practice_id.to_bytes(8, "big") + staff_id.to_bytes(8, "big")


async def sign_in_options(challenges: Challenges, page: Page) -> dict[str, Any]:
    """What a browser needs to ask for any passkey of this server."""
    return {
        "challenge": _encode(await challenges.make(SIGN_IN)),
        "rpId": page.host,
        "userVerification": "required",
        "timeout": 1000 * SECONDS,
    }


async def new_options(
    challenges: Challenges, page: Page, person: Person, there: list[PasskeyRow], purpose: str
) -> dict[str, Any]:
    """What a browser needs to make a passkey for a person, who has those `there` already."""
    user = _encode(handle(person.practice_id, person.staff_id))
    return {
        "challenge": _encode(await challenges.make(purpose)),
        "rp": {"id": page.host, "name": "Callboard"},
        "user": {
            "id": user,
            "name": f"{person.name} ({person.practice})",
            "displayName": person.name,
        },
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        "excludeCredentials": [{"type": "public-key", "id": key.credential_id} for key in there],
        "attestation": "none",
        "timeout": 1000 * SECONDS,
    }


async def checked_new(
    challenges: Challenges, page: Page, response: Response, purpose: str, label: str
) -> NewPasskey:
    """The passkey in what a browser made. Raises `Unauthenticated`."""
    challenge = _challenge_in(response)
    await challenges.made_at(challenge, purpose)
    verified = await asyncio.to_thread(_verify_new, response, challenge, page)
    return NewPasskey(
        _encode(verified.credential_id),
        verified.credential_public_key,
        verified.sign_count,
        label,
    )


def claimed(response: Response) -> Claimed:
    """Raises `Unauthenticated`."""
    challenge = _challenge_in(response)
    try:
        credential_id, named = response["id"], _decode(response["response"]["userHandle"])
    except (ValueError, KeyError, TypeError):
        raise Unauthenticated(NOT_ACCEPTED, "passkey") from None
    practice_id = int.from_bytes(named[:8], "big")
    if len(named) != 16 or practice_id >= 2**63 or not isinstance(credential_id, str):
        raise Unauthenticated(NOT_ACCEPTED, "passkey")
    return Claimed(practice_id, credential_id, challenge)


async def checked_answer(
    response: Response, challenge: bytes, page: Page, passkey: PasskeyRow
) -> int:
    """How often the device says that the passkey was used, if it has signed the challenge. Raises
    `Unauthenticated`."""
    return await asyncio.to_thread(_verify_answer, response, challenge, page, passkey)


def _challenge_in(response: Response) -> bytes:
    """The challenge that was answered. What else stands beside it is checked later, by the same
    bytes. Raises `Unauthenticated`."""
    try:
        client_data = orjson.loads(_decode(response["response"]["clientDataJSON"]))
        return _decode(client_data["challenge"])
    except (ValueError, KeyError, TypeError):
        raise Unauthenticated(NOT_ACCEPTED, "passkey") from None


def _verify_new(response: Response, challenge: bytes, page: Page) -> Any:
    """Raises `Unauthenticated`. Imported here, in a thread: it takes a third of a second."""
    import webauthn  # noqa: PLC0415

    try:
        return webauthn.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=page.host,
            expected_origin=page.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the library raises whatever bytes that are no CBOR make it raise
        raise Unauthenticated(NOT_ACCEPTED, "passkey") from error


def _verify_answer(response: Response, challenge: bytes, page: Page, passkey: PasskeyRow) -> int:
    """How often the device says that the passkey was used. Raises `Unauthenticated`."""
    import webauthn  # noqa: PLC0415

    try:
        return webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=page.host,
            expected_origin=page.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        ).new_sign_count
    except Exception as error:
        raise Unauthenticated(NOT_ACCEPTED, "passkey") from error


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

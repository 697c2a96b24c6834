"""Challenges for passkeys: signed by the server, so that nothing is kept of those nobody answers.

A challenge is the moment it was made, random bytes, and a code over both and over what it is for.
It can be answered for five minutes. That it is answered once is seen to where the answer is taken.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gql_app.access.viewer import Unauthenticated
from models.database import read_secret, secret

LASTS = timedelta(minutes=5)
MOMENT, RANDOM, CODE = 8, 16, 32
"""Bytes of a challenge's parts."""
STALE = "That took too long. Try again."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Challenges:
    """Challenges by the secret of the database."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def make(self, purpose: str) -> bytes:
        moment = (self._clock() - EPOCH) // timedelta(microseconds=1)
        head = moment.to_bytes(MOMENT, "big") + secrets.token_bytes(RANDOM)
        return head + await self._code(head, purpose)

    async def made_at(self, challenge: bytes, purpose: str) -> datetime:
        """When a challenge was made for `purpose`. Raises `Unauthenticated` if it was not made
        here, not for this, or more than five minutes ago."""
        head, code = challenge[: MOMENT + RANDOM], challenge[MOMENT + RANDOM :]
        if len(code) != CODE or not hmac.compare_digest(code, await self._code(head, purpose)):
            raise Unauthenticated("The answer is not to a challenge of this server.", "challenge")
        made = EPOCH + timedelta(microseconds=int.from_bytes(head[:MOMENT], "big"))
        if self._clock() - made > LASTS:
            raise Unauthenticated(STALE, "challenge")
        return made

    async def _code(self, head: bytes, purpose: str) -> bytes:
        await read_secret()
        key = secret()
        assert key is not None
        # Global ids are written by it too: no code may be one that is made for something else.
        return hmac.digest(key, b"passkey challenge " + head + purpose.encode(), "sha256")

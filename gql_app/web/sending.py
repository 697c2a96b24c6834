"""How messages are sent on a WebSocket: as texts, or as frames that are made once for many."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
from starlette.types import Send

SLOW_SECONDS = 4.0
"""How long a client may leave its full buffer (the server's, 64 KiB) unread in a stream."""

MAX_WAITING = 8 * 1024 * 1024
"""Characters of answers, beyond one, that may wait for a client to read what it has already."""

Take: TypeAlias = Callable[[bytes], bool]
"""Sends frames at once and returns True, or sends nothing and returns False."""


class Gone(Exception):
    """The client has closed the socket."""


class Sender:
    """One client's socket, for those who send. `take` is None if the server takes no frames."""

    def __init__(self, send: Send, take: Take | None) -> None:
        self._send = send
        self._take = take
        self._waiting = 0
        self.has_ended = False

    @property
    def takes_frames(self) -> bool:
        """Whether the server takes frames at all."""
        return self._take is not None

    def take(self, frames: bytes) -> bool:
        """Send frames at once, or nothing and return False. Nothing is sent after the session."""
        return not self.has_ended and self._take is not None and self._take(frames)

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message. Raises `Gone`."""
        await self.tell_text(orjson.dumps(message).decode())

    async def tell_text(self, text: str) -> None:
        """Send a text. Raises `Gone`."""
        try:
            await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError):  # what ASGI servers raise once the socket is closed
            raise Gone from None

    async def tell_in_time(self, text: str) -> None:
        """Send a text. Raises `Gone`, or `TimeoutError` if the client leaves its buffer unread."""
        if self._waiting > MAX_WAITING:
            raise TimeoutError
        self._waiting += len(text)
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self.tell_text(text)
        finally:
            self._waiting -= len(text)

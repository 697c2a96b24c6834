"""The event loop: uvloop, with a time limit for those who begin TLS and do not go on.

asyncio waits a minute for a handshake, and nothing else here sees a connection before that is over.
uvicorn does not offer to say it otherwise.
"""

import asyncio
import sys
from typing import Any

HANDSHAKE_SECONDS = 5.0

if sys.platform == "win32":  # there is no uvloop
    Base = asyncio.ProactorEventLoop
else:
    from uvloop import Loop as Base


class Loop(Base):
    """A loop whose servers wait less long for a handshake."""

    async def create_server(self, *args: Any, **named: Any) -> Any:
        if named.get("ssl") is not None:
            named["ssl_handshake_timeout"] = HANDSHAKE_SECONDS
        return await super().create_server(*args, **named)

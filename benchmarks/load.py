"""A process of many watching sockets that count what they are sent, and do nothing else.

`python -m benchmarks.load` takes orders, a line of JSON each, on standard input, and answers each
with a line; `do` names one of `Load`'s methods. It ends with its input. Frames are counted by their
headers alone, so that one core takes far more of them than any server here sends.
"""

import asyncio
import json
import os
import statistics
import struct
import sys
import time
from array import array
from base64 import b64encode
from datetime import datetime
from functools import cache
from itertools import zip_longest
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
SETTLE_SECONDS = 0.3
"""How long to look for messages beyond those that were to come, or that come late."""


class Watcher(asyncio.Protocol):
    """One socket: shakes hands, subscribes, and then counts the messages of type `next`."""

    def __init__(self, load: "Load", handshake: bytes, init: bytes) -> None:
        self.received = 0
        self.attached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._handshake = handshake
        self._init = init
        self._rest = b""
        self._is_upgraded = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        load = self._load
        load.heard = time.monotonic()
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        if not self._is_upgraded:
            at = self._upgraded(data)
        # The header of a frame is two bytes, or four where the second says 126, or ten for 127.
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                body = at + 4
                size = (data[at + 2] << 8) | data[at + 3] if body <= end else end
            elif size == 127:
                body = at + 10
                size = int.from_bytes(data[at + 2 : body]) if body <= end else end
            after = body + size
            if after > end:
                break
            # Every server writes the type in front of the payload.
            if data[at] == TEXT and data.find(b'"next"', body, min(after, body + 64)) >= 0:
                self.received += 1
                load.received += 1
                if load.time_key:
                    load.note_delay(data, body, after)
            else:
                self._control(data[at], data[body:after])
            at = after
        self._rest = data[at:]

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"lost its connection: {error!r}")

    def _upgraded(self, data: bytes) -> int:
        """Where the answer to the handshake ends; 0 if it is not all there yet."""
        after = data.find(b"\r\n\r\n") + 4
        if after < 4:
            return 0
        status = data[: data.find(b"\r\n")]
        if b" 101 " not in status:
            self._fail(f"was answered {status.decode()}")
            return len(data)
        self._is_upgraded = True
        self._transport.write(self._init)
        return after

    def _control(self, kind: int, payload: bytes) -> None:
        """Anything but a counted message. A ping follows the subscription, so the server has read
        it by the time that the pong comes."""
        if kind == PING:
            self._transport.write(frame(payload, PONG))
        elif kind == CLOSE:
            self._transport.write(frame(payload[:2], CLOSE))
            self._fail(f"was closed: {int.from_bytes(payload[:2])} {payload[2:].decode()}")
        elif kind == TEXT:
            message = json.loads(payload)
            match message["type"]:
                case "connection_ack":
                    self._transport.write(self._load.subscribe)
                case "ping":
                    self._transport.write(text_frame('{"type":"pong"}'))
                case "pong":
                    if not self.attached.done():
                        self.attached.set_result(None)
                case _:
                    self._fail(f"was sent {payload.decode()[:300]}")
        elif kind != PONG:
            self._fail(f"was sent a frame that begins with {kind:#x}")

    def _fail(self, what: str) -> None:
        self._load.trouble.append(f"A socket {what}")
        if not self.attached.done():
            self.attached.set_result(None)


class Load:
    """All sockets of the process. `heard` is the moment (`time.monotonic`, which all processes of
    a machine share) at which something came last."""

    def __init__(self) -> None:
        self.received = 0
        self.heard = 0.0
        self.time_key = b""
        self.subscribe = b""
        self.trouble: list[str] = []
        self._delays = array("d")
        self._watchers: list[Watcher] = []
        self._expected = 0

    async def connect(self, order: dict[str, Any]) -> dict[str, Any]:
        """Connect and subscribe to `query` at `url`: so many `sockets` for each `key` of `groups`,
        `at_once` of them under way at a time. In place of a key may stand a session's token and,
        after a space, the practice that it visits. With `time_key`, the name of a moment in each
        message, delays from it are kept. Answers when every server has read every subscription:
        the moment when it `begun`, and all `trouble` there was."""
        address = urlsplit(order["url"])
        host, port = address.hostname, address.port
        assert host is not None
        assert port is not None
        if order.get("time_key"):
            self.time_key = f'"{order["time_key"]}":'.encode()
        payload = {"query": order["query"]}
        self.subscribe = text_frame(
            json.dumps({"id": "1", "type": "subscribe", "payload": payload})
        ) + text_frame('{"type":"ping"}')
        begun = time.monotonic()
        free = asyncio.Semaphore(order.get("at_once", 250))
        groups = [[group["key"]] * group["sockets"] for group in order["groups"]]
        keys = [key for turn in zip_longest(*groups) for key in turn if key]
        self._watchers = await asyncio.gather(
            *(self._attach(host, port, address.path, key, free) for key in keys)
        )
        return {"begun": begun, "trouble": self.trouble[:5]}

    async def _attach(
        self, host: str, port: int, path: str, key: str, free: asyncio.Semaphore
    ) -> Watcher:
        async with free:

            def made() -> Watcher:
                session, _, practice = key.partition(" ")
                handshake = upgrade(f"{host}:{port}", path, session if practice else None)
                return Watcher(self, handshake, initialise(key, practice))

            try:
                _, watcher = await asyncio.get_running_loop().create_connection(made, host, port)
            except OSError as error:
                watcher = made()
                self.trouble.append(f"A socket could not connect: {error!r}")
                return watcher
            await watcher.attached
        return watcher

    async def wake(self, order: dict[str, Any]) -> dict[str, Any]:
        """See whether a message reaches every socket: a stream is live when its first one comes,
        not before. Answers how many sockets are still `silent` after nothing new has come for
        `within` seconds, and the moment when the last one `woke`. Counting begins afresh."""
        woke = quiet = time.monotonic()
        silent = len(self._watchers)
        while silent and time.monotonic() < quiet + order["within"] and not self.trouble:
            await asyncio.sleep(0.01)
            left = sum(not watcher.received for watcher in self._watchers)
            if left < silent:
                silent, woke, quiet = left, self.heard, time.monotonic()
        answer = {"silent": silent, "woke": woke, "trouble": self.trouble[:5]}
        while not silent and time.monotonic() < self.heard + SETTLE_SECONDS:
            await asyncio.sleep(0.01)
        if not silent:
            self.received = self._expected = 0
            self._delays = array("d")
            for watcher in self._watchers:
                watcher.received = 0
        return answer

    async def receive(self, order: dict[str, Any]) -> dict[str, Any]:
        """Wait until each socket has `expect` messages more than were expected so far, at most
        `within` seconds. Answers the moment when the last message came (`finished`), how many were
        `missing` and `beyond` in all, and `trouble`; with a `time_key`, the delays in milliseconds
        from the moment in each message: `median`, `p99` and `max`."""
        self._expected += order["expect"]
        deadline = time.monotonic() + order["within"]
        while time.monotonic() < deadline and not self._is_complete() and not self.trouble:
            await asyncio.sleep(0.01)
        finished = self.heard
        await asyncio.sleep(SETTLE_SECONDS)
        counts = [watcher.received - self._expected for watcher in self._watchers]
        answer = {
            "finished": finished,
            "missing": -sum(count for count in counts if count < 0),
            "beyond": sum(count for count in counts if count > 0),
            "trouble": self.trouble[:5],
        }
        if len(self._delays) > 1:
            percentiles = statistics.quantiles(self._delays, n=100, method="inclusive")
            answer |= {"median": percentiles[49], "p99": percentiles[98], "max": max(self._delays)}
            self._delays = array("d")
        return answer

    def _is_complete(self) -> bool:
        if self.received < self._expected * len(self._watchers):
            return False
        return all(watcher.received >= self._expected for watcher in self._watchers)

    def note_delay(self, data: bytes, body: int, after: int) -> None:
        """Milliseconds from the moment that a message names until now."""
        begin = data.find(self.time_key, body, after) + len(self.time_key)
        begin = data.find(b'"', begin, after) + 1
        at = _timestamp(data[begin : data.find(b'"', begin, after)])
        self._delays.append((time.time() - at) * 1_000)


@cache
def _timestamp(moment: bytes) -> float:
    """All sockets are sent the same few moments."""
    return datetime.fromisoformat(moment.decode()).timestamp()


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """A frame from a client, masked as the protocol of WebSockets demands."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", kind, 0x80 | size)
    else:
        header = struct.pack("!BBH", kind, 0x80 | 126, size)
    mask = os.urandom(4)
    return header + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def text_frame(text: str) -> bytes:
    return frame(text.encode())


def upgrade(host: str, path: str, session: str | None = None) -> bytes:
    """The request of a handshake. It offers no compression, to no server. With a session it comes
    from a page."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        *(() if session is None else (f"Cookie: callboard={session}", f"Origin: http://{host}")),
    )
    return "\r\n".join((*lines, "", "")).encode()


@cache
def initialise(key: str, practice: str) -> bytes:
    payload = {"practice": practice} if practice else {"authorization": f"Bearer {key}"}
    init = {"type": "connection_init", "payload": payload}
    return text_frame(json.dumps(init))


async def main() -> None:
    load = Load()
    answers = {"connect": load.connect, "wake": load.wake, "receive": load.receive}
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        print(json.dumps(await answers[order["do"]](order)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

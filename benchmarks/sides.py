"""Those who are measured: Callboard, and each peer, as a server to start and to ask for changes."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from benchmarks.posting import Post
from benchmarks.practices import Sample
from benchmarks.stage import AT_FULL_SPEED, PATIENCE, Process, Server, free_port
from models.roles import Role

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
INSTALLED = ROOT / ".venv" / "peers"

LOG = """mutation ($task: ID!, $day: Date!) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $day) { errors { code } }
}"""

LOG_AT_PEER = """mutation ($practice: String!, $task: ID!, $day: Date!) {
  logContact(practice: $practice, taskId: $task, followUp: $day)
}"""


class NotToBeHad(Exception):
    """The peer cannot be run here; the message says why."""


class Side(Process):
    """A server that is measured. `keys` has those of each practice, one for each role."""

    name: str
    url: str
    keys: list[list[str]]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def ready(self) -> None:
        """Start it and wait until it serves."""
        self.start()
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while self.alive:
                try:
                    await client.get(self.url)
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
                else:
                    return
        raise NotToBeHad(f"{self.name} did not start: {self.log.read_text()[-300:]}")

    def change(self, practice: int, number: int) -> Post:
        """What makes change `number` in a practice."""
        raise NotImplementedError

    def sockets(self, count: int) -> list[tuple[str, int]]:
        """That many sockets, spread evenly over all keys of all practices: (key, sockets)."""
        keys = [key for roles in zip(*self.keys, strict=True) for key in roles]
        return [(key, count // len(keys) + (n < count % len(keys))) for n, key in enumerate(keys)]


class Callboard(Server, Side):
    """`callboard serve`; a change is a contact that is logged."""

    name = "Callboard"

    def __init__(
        self,
        folder: Path,
        samples: list[Sample],
        roles: list[Role],
        database_url: str,
        bus_url: str = "memory://",
    ) -> None:
        super().__init__(folder, "callboard", database_url, bus_url, None, **AT_FULL_SPEED)
        self.keys = [[sample.keys[role] for role in roles] for sample in samples]
        self._samples = samples

    async def ready(self) -> None:
        await Server.ready(self)

    def change(self, practice: int, number: int) -> Post:
        sample = self._samples[practice]
        variables = {"task": sample.tasks[number % len(sample.tasks)], "day": _day()}
        return Post(sample.keys[Role.STAFF], json.dumps({"query": LOG, "variables": variables}))


class Peer(Side):
    """Peers look no key up: theirs are PRACTICE-ROLE."""

    def __init__(
        self, *command: str, folder: Path, practices: int, roles: list[Role], **environ: str
    ) -> None:
        log = folder / f"{type(self).__name__.lower()}.log"
        super().__init__(*command, log=log, **environ)
        self.keys = [[f"{n}-{role}" for role in roles] for n in range(practices)]

    def change(self, practice: int, number: int) -> Post:
        variables = {"practice": str(practice), "task": f"VGFzazox{number}", "day": _day()}
        body = {"query": LOG_AT_PEER, "variables": variables}
        return Post(self.keys[practice][0], json.dumps(body))


class _Uvicorn(Peer):
    """An application of `benchmarks.peers` as uvicorn runs it by default."""

    module: str

    def __init__(self, folder: Path, practices: int, roles: list[Role]) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        uvicorn = (sys.executable, "-m", "uvicorn", f"benchmarks.peers.{self.module}:app")
        options = ("--port", port, "--log-level", "warning")
        super().__init__(*uvicorn, *options, folder=folder, practices=practices, roles=roles)


class Stock(_Uvicorn):
    name = "Strawberry as it comes"
    module = "stock_feed"


class Bare(_Uvicorn):
    name = "bare send_text loop"
    module = "bare"

    def change(self, practice: int, number: int) -> Post:
        """The very text that Callboard sends to each socket for such a change."""
        task = {
            "id": f"VGFzazox{number}",
            "status": "IN_PROGRESS",
            "statusLabel": "Open + In Progress",
            "followUp": _day(),
            "version": number,
            "contactCount": number,
        }
        event = {
            "seq": number,
            "cursor": f"ZToxOjgw{number}",
            "kind": "CONTACT_LOGGED",
            "at": datetime.now(UTC).isoformat(),
            "fromStatus": "IN_PROGRESS",
            "toStatus": "IN_PROGRESS",
            "task": task,
        }
        message = {"id": "1", "type": "next", "payload": {"data": {"taskStatusChanged": event}}}
        return Post(self.keys[practice][0], json.dumps(message, separators=(",", ":")))


class Yoga(Peer):
    name = "graphql-yoga"

    def __init__(self, folder: Path, practices: int, roles: list[Role]) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        script = str(installed("yoga") / "server.mjs")
        given = {"PORT": port, "NODE_ENV": "production"}
        super().__init__("node", script, folder=folder, practices=practices, roles=roles, **given)


def installed(peer: str) -> Path:
    """A folder outside the sources with a Node peer and its packages. Raises `NotToBeHad`."""
    folder = INSTALLED / peer
    shutil.copytree(PEERS / peer, folder, dirs_exist_ok=True)
    install = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=300)
    except FileNotFoundError:
        raise NotToBeHad("needs Node.js and npm") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        why = (error.stderr or b"").decode().strip().splitlines() or [type(error).__name__]
        raise NotToBeHad(f"npm install failed: {why[0]}") from None
    if shutil.which("node", path=os.environ.get("PATH")) is None:
        raise NotToBeHad("needs Node.js")
    return folder


def _day() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


FeedPeer = type[Stock] | type[Bare] | type[Yoga]
"""A peer that is made from a folder, a number of practices, and the roles of their keys."""

"""`callboard watch`: a practice's changes in a terminal, as they happen.

It keeps the cursor of the last change it has shown and goes on after it when a connection was lost,
so that what happened meanwhile is shown too, once. An address that was never good is given up.
"""

import argparse
import asyncio
import getpass
import json
import os
import random
import sys
from http import HTTPStatus
from socket import gaierror
from ssl import SSLError
from typing import Any
from urllib.parse import urlsplit

from rich.cells import set_cell_size
from rich.console import Console
from rich.text import Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from gql_app.settings import WATCH_KEY, Settings
from gql_app.terminal import shown
from gql_app.web.close_codes import CloseCode
from gql_app.web.own_documents import WATCH_CHANGES, WATCH_VIEWER
from models.lifecycle import TaskStatus

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
FIRST_SECONDS = 12.0
"""How long nobody may be at the address before the first connection: a server may be starting."""
FIRST_LONGEST_PAUSE = 2.0
NO_USE_TRYING = {
    CloseCode.BAD_FRAME,
    CloseCode.NOT_UTF8,
    CloseCode.REFUSED,
    CloseCode.TOO_LARGE,
    CloseCode.WRONG_FORM,
    CloseCode.UNAUTHORIZED,
    CloseCode.SUBPROTOCOL,
    CloseCode.ID_IN_USE,
    CloseCode.TOO_MANY_INITS,
}
"""Close codes that a new connection would meet again."""

NOT_SHOWN = {"CLAIMED", "RELEASED", "REASSIGNED", "CALL_BACK_PASSED_ON", "PRIORITY_CHANGED"}
"""Kinds of events that change neither a task's status nor what is known of its patient."""

NO_NEW_DATE = {"PATIENT_CHANGED", "CALL_BACK_DUE"}

SCHEMES = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}

COLUMN = 22
"""Cells for a name."""

GONE = "Some changes are no longer kept; going on from now"

STYLES = {"OPEN": "cyan", "IN_PROGRESS": "yellow", "CLOSED": "green"}


class CannotWatch(Exception):
    """The server will not let this key watch; the message says why."""


def run(arguments: argparse.Namespace, _: Settings) -> int:
    """Watch until Ctrl-C."""
    key = arguments.key or os.environ.get(WATCH_KEY) or _typed()
    asyncio.run(watch(arguments.url, key.strip(), arguments.queue or []))
    return 0


def _typed() -> str:
    """A line of standard input, which a terminal does not show."""
    try:
        typed = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
    except (OSError, EOFError, UnicodeError):
        typed = ""
    if not typed.strip():
        raise CannotWatch(f"no key: give one in {WATCH_KEY}, on standard input or by --key")
    return typed


async def watch(url: str, key: str, queues: list[str], console: Console | None = None) -> None:
    """Show changes until cancelled. `queues` are names or ids; none means all. Raises
    `CannotWatch`."""
    console = console or Console(highlight=False)
    address = _socket_url(url)
    cursor: list[str] = []
    clock = asyncio.get_running_loop().time
    has_connected, give_up_at = False, clock() + FIRST_SECONDS
    pause = FIRST_PAUSE
    while True:
        try:
            async with connect(
                address,
                subprotocols=[Subprotocol("graphql-transport-ws")],
                max_size=None,
            ) as socket:
                viewer = await _begin(socket, key)
                has_connected = True
                ids = _queue_ids(viewer["queues"], queues)
                caught_up = ", caught up from where it broke off" if cursor else ""
                cursor = cursor or [viewer["practice"]["cursor"]]
                _say(console, f"Watching as {viewer['name']}{caught_up}. Ctrl-C ends.", "dim")
                pause = FIRST_PAUSE
                trouble = await _show_changes(socket, console, ids, cursor)
        except ConnectionClosed as closed:
            _refuse_for_good(closed)
            trouble = "Connection lost"
        except (OSError, InvalidHandshake, InvalidURI, UnicodeError) as error:
            trouble = f"No connection: {_why(error)}"
            if not (has_connected or (_may_be_starting(error) and clock() < give_up_at)):
                raise CannotWatch(f"{trouble}. Is {url} the server's address?") from None
        # Jitter, so that a restarted server is not met by all its watchers at once.
        wait = pause * random.uniform(0.5, 1.5)  # noqa: S311
        _say(console, f"{trouble}; trying again in {wait:.1f} s.", "red")
        await asyncio.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE if has_connected else FIRST_LONGEST_PAUSE)


def _refuse_for_good(closed: ConnectionClosed) -> None:
    """Raise `CannotWatch` if a new connection would end in the same way."""
    if closed.rcvd is None:
        return
    if closed.rcvd.code == CloseCode.FORBIDDEN:
        raise CannotWatch("The key is not valid, or has ended (4403 Forbidden).") from None
    if closed.rcvd.code in NO_USE_TRYING:
        said = f"{closed.rcvd.code} {closed.rcvd.reason}"
        raise CannotWatch(f"The server closed the socket: {said}.") from None


async def _begin(socket: ClientConnection, key: str) -> dict[str, Any]:
    if socket.subprotocol is None:
        raise CannotWatch("Another program answers there: it does not speak graphql-transport-ws.")
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
    await socket.send(json.dumps(init))
    await _subscribe(socket, "viewer", WATCH_VIEWER, {})
    async for message in _messages(socket):
        if message["type"] == "next" and not message["payload"].get("errors"):
            viewer: dict[str, Any] = message["payload"]["data"]["viewer"]
            return viewer
        if message["type"] in ("next", "error"):
            payload = message["payload"]
            errors = payload if message["type"] == "error" else payload["errors"]
            raise CannotWatch(str(errors[0]["message"]))
    raise CannotWatch("The server did not say who this key is.")


async def _show_changes(
    socket: ClientConnection, console: Console, ids: list[str] | None, cursor: list[str]
) -> str:
    """Show changes until the stream has to begin again: the cursor is then where. Returns why."""
    variables = {"queueIds": ids, "after": cursor[0]}
    await _subscribe(socket, "changes", WATCH_CHANGES, variables)
    async for message in _messages(socket):
        if message["type"] == "next" and message["id"] == "changes":
            event = message["payload"]["data"]["queueFeed"]
            if not event:  # counts, or a heartbeat
                continue
            if event["kind"] not in NOT_SHOWN:
                console.print(line(event), soft_wrap=True)
            cursor[:] = [event["cursor"]]
        elif message["type"] == "error":
            error = message["payload"][0]
            if error["extensions"]["code"] == "BUSY":
                return str(error["message"]).removesuffix(".")
            if error["extensions"]["code"] != "RESYNC_REQUIRED":
                raise CannotWatch(error["message"])
            if "cursor" not in error["extensions"]:
                cursor.clear()
                return GONE
            # With null, nothing was sent since the stream began: it begins there again.
            cursor[:] = [error["extensions"]["cursor"] or cursor[0]]
            return "The connection was too slow"
    raise CannotWatch("The server has ended the stream.")


async def _subscribe(
    socket: ClientConnection, name: str, query: str, variables: dict[str, Any]
) -> None:
    payload = {"query": query, "variables": variables}
    await socket.send(json.dumps({"id": name, "type": "subscribe", "payload": payload}))


async def _messages(socket: ClientConnection) -> Any:
    while True:
        message = json.loads(await socket.recv())
        if message["type"] == "ping":
            await socket.send(json.dumps({"type": "pong"}))
        yield message


def line(event: dict[str, Any]) -> Text:
    """One change as a line: number, time, patient, queue, what happened, by whom."""
    task, contact, actor = event["snapshot"], event["contact"], event["actor"]
    what = _words(contact["outcome"]) if contact else _words(event["kind"])
    if event["kind"] == "CONTACT_UNDONE":
        what = f"Undone: {what}"
    if task["followUp"] and event["kind"] not in NO_NEW_DATE:
        what += f", again on {task['followUp']}"
    before = TaskStatus(event["fromStatus"]).label if event["fromStatus"] else "new"
    text = Text()
    text.append(f"#{event['seq']:<6}", style="dim")
    text.append(f"{event['at'][11:19]}  ", style="dim")
    text.append(f"{_column(task['patient']['name'])} ", style="bold")
    text.append(f"{_column(task['queue']['name'])} ")
    text.append(f"{before} → ")
    text.append(TaskStatus(event["toStatus"]).label, style=STYLES[event["toStatus"]])
    text.append(f"  {what}")
    text.append(f"  {shown(actor['name']) if actor else 'the clock'}", style="dim")
    return text


def _column(text: str) -> str:
    """The text in as many cells of a terminal as all others."""
    return set_cell_size(shown(text), COLUMN)


def _say(console: Console, text: str, style: str) -> None:
    console.print(Text(shown(text), style), soft_wrap=True)


def _may_be_starting(error: Exception) -> bool:
    """Whether nobody listens at an address that may be right, or a proxy knows no server yet. A
    name that is not known, or a server of another kind, stays what it is."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, OSError) and not isinstance(error, gaierror | SSLError)


def _why(error: Exception) -> str:
    """In the system's words, where it has some: asyncio's name the address that was tried."""
    if isinstance(error, ConnectionRefusedError):
        return "Connect call failed: connection refused"
    return str(getattr(error, "strerror", None) or error)


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()


def _queue_ids(known: list[dict[str, str]], wanted: list[str]) -> list[str] | None:
    ids = []
    for queue in wanted:
        found = [q["id"] for q in known if queue == q["id"] or queue.lower() == q["name"].lower()]
        if not found:
            names = ", ".join(q["name"] for q in known)
            raise CannotWatch(f"There is no queue {queue!r}; this key sees {names}.")
        ids += found
    return ids or None


def _socket_url(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_address = parts.hostname and parts.port != 0 and parts.scheme in SCHEMES
    except ValueError:
        is_address = False
    if not is_address:
        raise CannotWatch(f"--url {url} is no address such as http://127.0.0.1:8000.")
    scheme = SCHEMES[parts.scheme]
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/graphql')}/graphql"

"""What the log says of the request that is being answered: its id, and whose it is.

The facts follow the request through every function that it calls, and into the tasks that these
start. A task that works for several clients begins with no facts at all: those of one must not
stand in lines about another.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass

_GIVEN = re.compile(rb"[0-9A-Za-z][0-9A-Za-z._-]{7,63}")
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")


@dataclass(slots=True)
class RequestFacts:
    """`find_address` gives the client's, as trusted proxies tell it; `operation` is the name that
    the client gave its operation; the others are known once its key is."""

    request_id: str
    find_address: Callable[[], str] | None = None
    operation: str | None = None
    practice_id: int | None = None
    key_id: int | None = None

    def name_operation(self, name: str | None) -> None:
        """Note the operation's name, which is the client's text: a GraphQL name of up to 64
        characters, or nothing."""
        self.operation = name if name is not None and _NAME.fullmatch(name) else None

    def known(self) -> dict[str, object]:
        """What is known of whose request it is."""
        address = None if self.find_address is None else self.find_address()
        facts = {"address": address, "practice": self.practice_id, "key": self.key_id}
        return {name: value for name, value in facts.items() if value is not None}


_current: ContextVar[RequestFacts | None] = ContextVar("request", default=None)


def begin(facts: RequestFacts | None) -> None:
    """Say whose request this task, and whatever it starts, answers from now on."""
    _current.set(facts)


def current() -> RequestFacts | None:
    """The facts of the request that is being answered, None if there is none."""
    return _current.get()


def request_id() -> str:
    """The id of the request that is being answered. A new one if there is none."""
    facts = _current.get()
    return new_id() if facts is None else facts.request_id


def new_id() -> str:
    return secrets.token_hex(8)


def id_from(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that a proxy or the client gave the request (`X-Request-ID`), or that of its trace
    (`traceparent`, W3C Trace Context), if it has the form of one; else a new one. `headers` are
    those of an ASGI scope."""
    trace = None
    for name, value in headers:
        if name == b"x-request-id" and _GIVEN.fullmatch(value):
            return value.decode()
        if name == b"traceparent":
            trace = _TRACE.fullmatch(value)
    if trace is not None and trace[1].strip(b"0"):
        return trace[1].decode()
    return new_id()

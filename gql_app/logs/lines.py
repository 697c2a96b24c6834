"""Turns log records into lines: of JSON, or for a console.

No line holds what a patient said or who the patient is. Our own code writes no values into its
messages. What others write is cut down here: of an exception the types and the places where it was
raised are kept, never its text, for the text of a database's exception has the row in it.
"""

import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any

import orjson
import structlog
from structlog.types import EventDict, Processor

from gql_app.logs import request
from gql_app.terminal import shown

SECURITY = "callboard.security"
"""The logger of the security events: a stream of its own."""

OURS = ("gql_app", "models", "callboard", "uvicorn")
"""Whose messages are shown with their values. uvicorn's are numbers of processes and tasks."""

MAX_MESSAGE = 500
MAX_FRAMES = 30

_FIXED_WORDS = re.compile(r"[A-Za-z', -]*")
_PLACE = re.compile(r'^ *File "([^"]*)", line (\d+), in (\S+)', re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last)"


def formatter(form: str, *, colours: bool = False) -> logging.Formatter:
    """The formatter for lines in `form`: "json" or "console"."""
    rendered: list[Processor] = [structlog.processors.JSONRenderer(serializer=_json)]
    if form == "console":
        rendered = [_escaped, structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            _head,
            _extras,
            _of_request,
            _without_text,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )


_added = structlog.stdlib.ExtraAdder()
_stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _head(logger: Any, level: str, event: EventDict) -> EventDict:
    """Time, level, message and logger, in this order."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    head = {
        **_stamped(logger, level, {}),
        "level": level,
        "event": _message(record, event.pop("event")),
        "logger": record.name,
    }
    if record.name == SECURITY:
        head["stream"] = "security"
    return {**head, **event, "_record": record, "_from_structlog": False}


def _extras(logger: Any, level: str, event: EventDict) -> EventDict:
    """What our own code says beside its message."""
    return _added(logger, level, event) if event["logger"].startswith(OURS[:3]) else event


def _message(record: logging.LogRecord, message: str) -> str:
    if not record.name.startswith(OURS):
        # Of the messages of others, the words in their source: values come in by arguments.
        message = str(record.msg)
        if record.name == "asyncio":  # but it puts whole objects into its own
            found = _FIXED_WORDS.match(message)
            message = "" if found is None else found[0].strip()
    head, found_it, trace = message.partition(_TRACEBACK)
    if found_it:
        places = ", ".join(f"{file}:{line} in {name}" for file, line, name in _PLACE.findall(trace))
        message = f"{head.strip()} {_TRACEBACK}: {places}".strip()
    return shown(message.strip().partition("\n")[0][:MAX_MESSAGE])


def _of_request(_: Any, __: str, event: EventDict) -> EventDict:
    facts = request.current()
    if facts is not None:
        if event.get("stream") == "security":
            event = {**event, **{k: v for k, v in facts.known().items() if k not in event}}
        event["request_id"] = facts.request_id
    return event


def _without_text(_: Any, __: str, event: EventDict) -> EventDict:
    """An exception as types and places."""
    exc_info = event.pop("exc_info", None)
    if exc_info and isinstance(exc_info[1], BaseException):
        event["exception"] = list(_outline(exc_info[1]))
    event.pop("stack_info", None)
    return event


def _outline(error: BaseException) -> Iterator[str]:
    """The exception and those that it came from: each as its type, and where it went through."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{type(current).__module__}.{type(current).__qualname__}"
        frames = traceback.extract_tb(current.__traceback__)
        for frame in frames[-MAX_FRAMES:]:
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        if isinstance(current, BaseExceptionGroup):
            for member in current.exceptions:
                yield from _outline(member)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )


def _escaped(_: Any, __: str, event: EventDict) -> EventDict:
    """For a terminal: nothing in a line that it would obey."""
    places = event.pop("exception", None)
    event = {name: _plain(value) for name, value in event.items()}
    if places is not None:
        event["exception"] = "\n".join(map(shown, places))
    return event


def _json(event: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=_plain).decode()
    except TypeError:  # half a character, or a number that is too large
        return orjson.dumps({name: _plain(value) for name, value in event.items()}).decode()


def _plain(value: object) -> object:
    """A value as a log may show it. Of an object that is no number or text only the type is
    shown: nobody knows here what is in it."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bool | float | None):
        return value
    return shown(value) if isinstance(value, str | int) else type(value).__name__

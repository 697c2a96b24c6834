"""What becomes of a record: a line without the values that others put into their messages."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.datastructures import Headers

from gql_app.logs import lines, request
from gql_app.logs.request import RequestFacts

WORD = "needles7781"


def record(name: str, message: object, *args: object, **more: Any) -> logging.LogRecord:
    level = more.pop("level", logging.WARNING)
    error = more.pop("error", None)
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord(name, level, __file__, 1, message, args, exc_info)
    vars(made).update(more)
    return made


def shown(made: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.formatter("json").format(made))
    return line


def raised() -> Exception:
    try:
        try:
            raise KeyError(WORD)
        except KeyError as error:
            raise RuntimeError(f"Key (name)=({WORD}) already exists") from error
    except RuntimeError as error:
        return error


@pytest.fixture
def asked() -> Iterator[RequestFacts]:
    facts = RequestFacts("0123456789abcdef", lambda: "192.0.2.7", "Board", practice_id=3, key_id=5)
    request.begin(facts)
    yield facts
    request.begin(None)


def test_a_line_says_when_what_and_where() -> None:
    line = shown(record("gql_app.live.bus", "the bus is away: %s", "OSError"))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "the bus is away: OSError",
        "logger": "gql_app.live.bus",
    }


def test_a_line_of_a_request_has_its_id_and_no_more(asked: RequestFacts) -> None:
    line = shown(record("models.database", "slow", rows=3))
    assert line["request_id"] == asked.request_id
    assert line["rows"] == 3
    assert "address" not in line


def test_a_security_event_says_whose_request_it_was(asked: RequestFacts) -> None:
    line = shown(record(lines.SECURITY, "key_refused", reason="revoked", key=9))
    assert line["stream"] == "security"
    assert (line["address"], line["practice"], line["key"]) == ("192.0.2.7", 3, 9)
    assert line["reason"] == "revoked"


def test_an_exception_is_shown_by_its_types_and_places() -> None:
    for name in ("gql_app.x", "uvicorn.error", "asyncio", "another"):
        line = shown(record(name, "failed", error=raised()))
        assert WORD not in json.dumps(line)
        kinds = [entry for entry in line["exception"] if not entry.startswith(" ")]
        assert kinds == ["builtins.RuntimeError", "builtins.KeyError"]
        assert "test_lines.py" in line["exception"][1]
        assert "raised" in line["exception"][1]


def test_an_exception_that_came_from_itself_ends() -> None:
    error = raised()
    error.__cause__ = error
    assert shown(record("gql_app.x", "failed", error=error))["exception"]


@pytest.mark.parametrize(
    ("name", "message", "args", "expected"),
    [
        ("tortoise", "failed: %s", (WORD,), "failed: %s"),
        ("asyncio", f"Task exception was never retrieved\nfuture: {WORD}", (), None),
        ("asyncio", f"Exception in callback fail('{WORD}')", (), "Exception in callback fail"),
        ("uvicorn.error", "Cancel %d running task(s)", (2,), "Cancel 2 running task(s)"),
        (
            "uvicorn.error",
            'Traceback (most recent call last):\n  File "/x/app.py", line 7, in start\n'
            f"    raise ValueError\nValueError: {WORD}\n",
            (),
            "Traceback (most recent call last): /x/app.py:7 in start",
        ),
    ],
)
def test_of_what_others_write_only_their_own_words_are_shown(
    name: str, message: str, args: tuple[object, ...], expected: str | None
) -> None:
    line = shown(record(name, message, *args))
    assert line["event"] == expected or message.startswith(line["event"])
    assert WORD not in json.dumps(line)


def test_what_is_no_text_and_no_number_is_shown_by_its_type() -> None:
    assert shown(record("gql_app.x", "odd", thing=raised()))["thing"] == "RuntimeError"
    line = shown(record("gql_app.x", "odd", things=[raised(), None], half="\ud800", big=10**30))
    assert line["things"] == ["RuntimeError", None]
    assert line["half"] == "\\ud800"
    assert line["big"] == str(10**30)


def test_on_a_console_a_line_moves_nothing() -> None:
    made = record("gql_app.x", "a\x1b[2J%s", "\nb", place="\x1b]0;x\x07", error=raised())
    line = lines.formatter("console").format(made)
    assert "\x1b" not in line
    assert "\\x1b[2J" in line
    assert WORD not in line
    assert line.count("\n") == len(shown(made)["exception"])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-request-id": "4bf92f3577b34da6"}, "4bf92f3577b34da6"),
        ({"x-request-id": "two words"}, None),
        ({"x-request-id": "short"}, None),
        ({"x-request-id": "x" * 65}, None),
        ({"x-request-id": 'a"b{}abcdef'}, None),
        (
            {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({}, None),
    ],
)
def test_an_id_is_taken_over_if_it_has_the_form_of_one(
    headers: dict[str, str], expected: str | None
) -> None:
    found = request.id_from(Headers(headers).raw)
    assert found == expected or (expected is None and len(found) == 16)
    assert found not in headers.values() or expected is not None


@pytest.mark.parametrize("name", ["a b", "", "x" * 65, "é", "{", "1a"])
def test_an_operation_is_named_by_what_graphql_calls_a_name(name: str) -> None:
    facts = RequestFacts("0123456789abcdef")
    facts.name_operation("Board")
    assert facts.operation == "Board"
    facts.name_operation(name)
    assert facts.operation is None

"""A shared `queueFeed` over a real server: the same bytes for each, and only what is its own."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gql_app.execution.compiled import CompiledExecutor
from gql_app.execution.items import Item
from models.roles import Role
from tests.flows.shared_client import FEED
from tests.flows.test_slow_clients import slow_client
from tests.positions import Names
from tests.serving import Server
from tests.support.access import create_key
from tests.web.raw_socket import RawSocket, raw_socket
from tests.web.streams import event_stream, log_over_http, until_streams
from tests.web.takes import count_takes

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WATCHING = 12

WIDE = f"""
subscription Wide($after: String) {{
  queueFeed(after: $after) {{
    __typename
    ... on TaskEvent {{ seq contact {{ {" ".join(f"n{n}: notes" for n in range(8))} }} }}
    ... on QueueCounts {{ seq }}
    ... on QueueSnapshot {{ cursor }}
  }}
}}
"""


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The rows that streams have executed, one after the other."""
    rows: list[object] = []
    build = CompiledExecutor.build_per_event_executor

    def counting(self: CompiledExecutor, payload: Item) -> Any:
        rows.append(payload.row)
        return build(self, payload)

    monkeypatch.setattr(CompiledExecutor, "build_per_event_executor", counting)
    return rows


async def text_of(socket: RawSocket, name: str, seq: int) -> str:
    """The payload of the next event `seq`, without what is around it."""
    begin = f'{{"id":"{name}","type":"next","payload":'
    while f'"TaskEvent","seq":{seq},' not in (text := await socket.next()):
        pass
    assert text.startswith(begin)
    assert text.endswith("}")
    payload: str = text.removeprefix(begin).removesuffix("}")
    return payload


async def test_an_event_is_executed_once_and_sent_alike_to_every_socket_and_event_stream(
    server: Server, executed: list[object]
) -> None:
    task = await server.office.make_task()
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(raw_socket(server)) for _ in range(WATCHING)]
        streams = [await stack.enter_async_context(event_stream(server, FEED)) for _ in range(3)]
        for n, socket in enumerate(sockets):
            await socket.subscribe(FEED, f"feed {n}")
            assert "QueueSnapshot" in await socket.next()
        for stream in streams:
            assert "QueueSnapshot" in (await stream.event())["data"]

        async def told(seq: int) -> set[str]:
            payloads = {await text_of(s, f"feed {n}", seq) for n, s in enumerate(sockets)}
            for stream in streams:
                while f'"seq":{seq},' not in (event := await stream.event())["data"]:
                    pass
                payloads.add(event["data"])
                assert f'"seq":{seq},' in (await stream.event())["data"]  # the counts
            return payloads

        await log_over_http(server, task)  # from here on, the group has told of the day
        assert len(await told(2)) == 1
        await log_over_http(server, task)
        assert len(await told(3)) == 1
        executed.clear()
        await log_over_http(server, task, notes="once")
        [payload] = await told(4)
        assert json.loads(payload)["data"]["queueFeed"]["task"]["version"] == 4
    # The mutation is no stream: what was executed is the event and the counts that it leads to.
    assert [type(row).__name__ for row in executed] == ["EventRow", "QueueCounts"]


async def test_what_is_executed_for_staff_reaches_no_partner_and_no_key_of_other_queues(
    server: Server,
) -> None:
    office = server.office
    tasks = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    desk = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.missed.id])
    keys = {"staff": office.keys["staff"], "partner": office.keys["partner"], "desk": desk}
    document = """subscription { queueFeed {
      __typename ... on TaskEvent { seq contact { notes } } ... on QueueCounts { seq }
    } }"""
    texts: dict[str, list[str]] = {name: [] for name in (*keys, "staff too")}
    async with AsyncExitStack() as stack:
        sockets = {}
        for name in texts:
            key = keys[name.split()[0]]
            sockets[name] = await stack.enter_async_context(raw_socket(server, key))
            await sockets[name].subscribe(document)
            assert "QueueSnapshot" in await sockets[name].next()
        for _ in range(3):  # the first have them all join
            for task in tasks:
                await log_over_http(server, task, notes="Private.")
        for name, socket in sockets.items():
            while len(texts[name]) < 2 or '"QueueCounts","seq":8}' not in texts[name][-1]:
                texts[name].append(await socket.next())
    events = {name: [text for text in came if "TaskEvent" in text] for name, came in texts.items()}
    assert {name: len(came) for name, came in events.items()} == {
        "staff": 6,
        "partner": 6,
        "desk": 3,
        "staff too": 6,
    }
    assert events["staff"] == events["staff too"]
    assert all("Private." in text for text in events["staff"] + events["desk"])
    assert all('"notes":null' in text for text in events["partner"])
    assert [json.loads(text)["payload"]["data"]["queueFeed"]["seq"] for text in events["desk"]] == [
        4,
        6,
        8,
    ]


@on_sqlite
async def test_one_that_does_not_read_is_let_go_with_its_cursor_while_the_others_go_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sending.SLOW_SECONDS", 0.5)
    takes = count_takes(monkeypatch)
    task = await server.office.make_task()
    last = 150
    async with slow_client(server) as slow, server.socket() as other:
        payload = {"query": WIDE}
        await slow.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await slow.next())["type"] == "next"
        await other.subscribe(WIDE)
        await other.next_data()
        seqs = []
        for n in range(2, last + 1):
            await log_over_http(server, task, notes=f"{n} " + "x" * 9_000)
            for kind in ("TaskEvent", "QueueCounts"):
                message = (await other.next_data())["queueFeed"]
                if n == 2 and message["__typename"] == "QueueCounts" and kind == "TaskEvent":
                    message = (await other.next_data())["queueFeed"]
                assert (message["__typename"], message["seq"]) == (kind, n)

        async def read_on() -> dict[str, Any]:
            while (message := await slow.next())["type"] == "next":
                row = message["payload"]["data"]["queueFeed"]
                if row["__typename"] == "TaskEvent":
                    seqs.append(row["seq"])
                if row["__typename"] == "QueueCounts" and row["seq"] == last:
                    break
            return message

        await until_streams(server, 1)
        message = await read_on()
        assert message["type"] == "error"
        extensions = message["payload"][0]["extensions"]
        assert extensions["code"] == "RESYNC_REQUIRED"
        assert extensions["cursor"] == Names(server.office.practice.id, seqs[-1])
        payload["variables"] = {"after": extensions["cursor"]}  # type: ignore[assignment]
        await slow.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await read_on())["type"] == "next"
    assert seqs == list(range(2, last + 1))
    # Of the slow one, frames were taken until it was full, and the rest waited for it in vain.
    refused = [answers.count(False) for answers in takes.values()]
    assert sorted(refused) == [0, 1]
    assert all(answers[0] for answers in takes.values())

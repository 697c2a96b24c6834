"""Documents by their hashes: kept for a while by APQ, or trusted and then the only ones."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gql_app.execution.persisted import (
    MAX_KEPT,
    MAX_LENGTH,
    PersistedDocuments,
    PersistedQueryNotFound,
)
from gql_app.manifest import read_manifest
from gql_app.settings import BadSetting, read_settings
from gql_app.web.own_documents import DASHBOARD, SETTINGS, WATCH_CHANGES, own_documents
from tests.office import make_office
from tests.schema.documents import QUEUE_FEED
from tests.serving import Server, serving
from tests.web.streams import event_stream

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEWER = "query Viewer { viewer { role } }"
OTHER = "{ viewer { name } }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_hash(text: str, query: str | None = None) -> dict[str, Any]:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
    return {"extensions": extensions} | ({} if query is None else {"query": query})


def ids_of(text: str) -> Iterator[dict[str, Any]]:
    yield by_hash(text)
    yield by_hash(text, "")
    for name in ("documentId", "doc_id", "id"):
        yield {name: sha256(text)}
        yield {name: f"sha256:{sha256(text)}"}


async def code(server: Server, body: dict[str, Any], role: str = "staff") -> str | None:
    """The code of the only error, None if there is none."""
    answer = (await server.post(body, server.office.keys[role])).json()
    if "errors" not in answer:
        return None
    (error,) = answer["errors"]
    told: str = error["extensions"]["code"]
    return told


@sqlite_only
async def test_a_document_is_known_by_its_hash_once_it_was_sent(server: Server) -> None:
    for body in ids_of(VIEWER):
        assert await code(server, body) == "PERSISTED_QUERY_NOT_FOUND"
    assert await code(server, by_hash(VIEWER, VIEWER)) is None
    for body in ids_of(VIEWER):
        assert await code(server, body) is None


@sqlite_only
async def test_a_socket_and_a_stream_know_it_as_well(server: Server) -> None:
    async with server.socket() as socket:
        for name, payload in enumerate([by_hash(VIEWER), by_hash(VIEWER, VIEWER), by_hash(VIEWER)]):
            await socket.send({"id": f"{name}", "type": "subscribe", "payload": payload})
        told = [await socket.next() for _ in range(5)]
        assert [m["type"] for m in told if m["id"] == "0"] == ["error"]
        assert told[0]["payload"][0]["message"] == "PersistedQueryNotFound"
        assert [m["type"] for m in told if m["id"] == "2"] == ["next", "complete"]
    answer = await server.post(
        by_hash(VIEWER), server.office.keys["staff"], accept="text/event-stream"
    )
    assert '"role":"STAFF"' in answer.text


@sqlite_only
async def test_the_hash_of_another_document_is_refused_and_nothing_is_kept(
    server: Server,
) -> None:
    assert await code(server, by_hash(VIEWER, OTHER)) == "BAD_USER_INPUT"
    for text in (VIEWER, OTHER):
        assert await code(server, by_hash(text)) == "PERSISTED_QUERY_NOT_FOUND"


@sqlite_only
async def test_what_one_practice_has_sent_another_does_not_find(server: Server) -> None:
    assert await code(server, by_hash(VIEWER, VIEWER)) is None
    other = await make_office("birch")
    answer = await server.post(by_hash(VIEWER), other.keys["staff"])
    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_the_store_is_bounded() -> None:
    documents = PersistedDocuments()
    long = f"{VIEWER} # {'x' * MAX_LENGTH}"
    assert documents.text(1, long, sha256(long)) == long
    with pytest.raises(PersistedQueryNotFound):
        documents.text(1, None, sha256(long))
    texts = [f"query Viewer{number} {{ viewer {{ role }} }}" for number in range(MAX_KEPT + 1)]
    for text in texts:
        assert documents.text(1, text, sha256(text)) == text
    with pytest.raises(PersistedQueryNotFound):
        documents.text(1, None, sha256(texts[0]))
    assert documents.text(1, None, sha256(texts[-1])) == texts[-1]


@sqlite_only
async def test_with_trusted_documents_only_these_are_run(database_url: str) -> None:
    trusted = {sha256(VIEWER): VIEWER, "board-1": QUEUE_FEED}
    async with serving(database_url, trusted_documents=trusted) as server:
        for body in (*ids_of(VIEWER), {"query": VIEWER}, by_hash(VIEWER, VIEWER)):
            assert await code(server, body) is None, body
        for body in (
            *ids_of(OTHER),
            {"query": OTHER},
            by_hash(OTHER, OTHER),
            {"documentId": "board-2"},
            {"query": f"{VIEWER} "},
            {"query": "{ __schema { __typename } }"},
        ):
            assert await code(server, body) == "DOCUMENT_NOT_TRUSTED", body
        assert await code(server, by_hash(VIEWER, OTHER)) == "BAD_USER_INPUT"
        assert await code(server, {}) == "BAD_USER_INPUT"
        for body in ({"documentId": "board-1"}, {"query": QUEUE_FEED}):
            headers = {"accept": "text/event-stream"}
            key = {"authorization": f"Bearer {server.office.keys['staff']}"}
            stream = server.client.stream("POST", "/graphql", json=body, headers=headers | key)
            async with stream as response:
                lines = response.aiter_lines()
                while not (line := await anext(lines)).startswith("data:"):
                    pass
                assert '"queueFeed"' in line
        async with event_stream(server, OTHER) as refused:
            assert refused.response.status_code == 400
        async with server.socket() as socket:
            await socket.subscribe(OTHER)
            message = await socket.next()
            assert message["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


@sqlite_only
async def test_callboards_own_clients_are_always_trusted(database_url: str) -> None:
    async with serving(database_url, trusted_documents={}) as server:
        for text in own_documents():
            answer = await server.post({"query": text}, server.office.keys["staff"])
            assert "DOCUMENT_NOT_TRUSTED" not in answer.text
        assert await code(server, {"query": WATCH_CHANGES[1:]}) == "DOCUMENT_NOT_TRUSTED"


def test_the_dashboards_documents_are_read_from_its_source_as_a_browser_reads_them(
    tmp_path: Path,
) -> None:
    import subprocess  # noqa: PLC0415

    script = "const d = await import(process.argv[1]); console.log(JSON.stringify(d))"
    exported = set()
    for file in (*DASHBOARD.glob("*documents.js"), *SETTINGS.glob("*.js")):
        command = ["node", "--input-type=module", "-e", script, file.as_uri()]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        exported |= set(json.loads(printed).values())
    assert len(exported) > 15
    assert exported <= set(own_documents())


def test_a_manifest_is_an_object_of_documents_or_apollos(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({sha256(VIEWER): VIEWER, "md5": OTHER}))
    assert read_manifest(path) == {sha256(VIEWER): VIEWER, "md5": OTHER}
    operation = {"id": sha256(VIEWER), "name": "Viewer", "type": "query", "body": VIEWER}
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    path.write_text(json.dumps(apollo))
    assert read_manifest(path) == {sha256(VIEWER): VIEWER}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object of documents"),
        ('{"a": 1}', "is not an object of documents"),
        ('{"format": "apollo-persisted-query-manifest", "operations": [1]}', "is not an object"),
        (json.dumps({sha256(OTHER): VIEWER}), "has a document that is not the one of its hash"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_manifest_that_cannot_be_used_stops_the_start(
    tmp_path: Path, content: str | None, why: str
) -> None:
    path = tmp_path / "documents.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadSetting, match=f"CALLBOARD_TRUSTED_DOCUMENTS .*{why}"):
        read_settings({"CALLBOARD_TRUSTED_DOCUMENTS": str(path)})

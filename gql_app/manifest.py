"""Reads the file of trusted documents that a client's build has made.

Two forms are known: an object of texts by their hashes or ids, as the compilers of GraphQL Code
Generator and Relay write it, and Apollo's `apollo-persisted-query-manifest`.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

APOLLO = "apollo-persisted-query-manifest"
MAX_BYTES = 16 * 1024 * 1024
MAX_ID = 200

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def read_manifest(path: Path) -> dict[str, str]:
    """The documents by their hashes or ids. Raises `OSError`, and `ValueError` with words that go
    on after the file's name."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES // 1024**2} MB")
    try:
        value = json.loads(content)
    except ValueError:
        raise ValueError("is not JSON") from None
    documents = {}
    for name, text in _entries(value):
        if not isinstance(name, str) or not isinstance(text, str) or len(name) > MAX_ID:
            raise ValueError("is not an object of documents by their hashes, nor Apollo's manifest")
        as_hash = _SHA256.fullmatch(name)
        if as_hash is not None and as_hash[1] != hashlib.sha256(text.encode()).hexdigest():
            raise ValueError(f"has a document that is not the one of its hash {as_hash[1][:12]}…")
        documents[name if as_hash is None else as_hash[1]] = text
    return documents


def _entries(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, dict):
        return [(None, None)]
    if value.get("format") != APOLLO:
        return list(value.items())
    operations = value.get("operations")
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        return [(None, None)]
    return [(each.get("id"), each.get("body")) for each in operations]

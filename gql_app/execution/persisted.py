"""Documents that are sent by a name in place of their text: trusted ones, and automatic persisted
queries.

With trusted documents only these are run, whoever asks. Without, a client may send a document
together with its SHA-256 once, and the hash alone from then on (the protocol of Apollo Client's
`PersistedQueryLink` and urql's `persistedExchange`). Such documents are kept for their own practice
alone, so that no practice learns what another has sent.
"""

import hashlib
import re
from collections.abc import Mapping

from gql_app.execution.bounded import Bounded

MAX_KEPT, ROOM = 1_000, 4 * 1024 * 1024
MAX_LENGTH = 16 * 1024
"""Documents that are kept, the bytes of all of them together, and the characters of one."""

SHA256 = re.compile(r"[0-9a-f]{64}")


class NoDocument(Exception):
    """A request whose document is not to be had, or not run."""


class PersistedQueryNotSupported(NoDocument):
    """A document was sent by an id, or by GET. Documents have no ids without trusted ones."""

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")  # clients look for just this


class PersistedQueryNotFound(NoDocument):
    """A document was sent by its hash alone, and is not kept: the client sends all of it next."""

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")  # likewise


class NotTrusted(NoDocument):
    """A document that is none of the trusted ones, where only these are run."""

    def __init__(self) -> None:
        super().__init__("The document is not one of those that this server trusts.")


class WrongHash(NoDocument):
    """A document came with another one's hash or id."""

    def __init__(self) -> None:
        super().__init__("The hash or id is not that of the document.")


class PersistedDocuments:
    """The documents of this process. `trusted` are texts by their hashes and ids, None if any
    document is run."""

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self._trusted = None
        if trusted is not None:
            by_hash = {sha256(text): text for text in trusted.values()}
            self._trusted = {**trusted, **by_hash}
        self._kept: Bounded[tuple[int, str], str] = Bounded(MAX_KEPT, ROOM)

    def text(self, practice_id: int, query: str | None, name: str | None) -> str | None:
        """The document that a request of the practice is for: `query` is its text, `name` its hash
        or id. None if it says neither. Raises `NoDocument`."""
        if self._trusted is not None:
            return self._of_trusted(self._trusted, query, name)
        if name is None:
            return query
        if not SHA256.fullmatch(name):
            if query is None:
                raise PersistedQueryNotSupported
            return query
        if query is None:
            kept = self._kept.get((practice_id, name))
            if kept is None:
                raise PersistedQueryNotFound
            return kept
        if sha256(query) != name:
            raise WrongHash
        if len(query) <= MAX_LENGTH and (practice_id, name) not in self._kept:
            self._kept.add((practice_id, name), query, 4 * len(query))
        return query

    def _of_trusted(
        self, trusted: Mapping[str, str], query: str | None, name: str | None
    ) -> str | None:
        if query is None and name is None:
            return None
        named = trusted.get(sha256(query or "") if name is None else name)
        if named is None:
            raise NotTrusted
        if query is not None and query != named:
            raise WrongHash
        return named


def sha256(text: str) -> str:
    """The SHA-256 of a document in hex, as clients make it."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

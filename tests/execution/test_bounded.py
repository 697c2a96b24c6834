"""A bounded dictionary forgets the oldest, by number and by weight."""

from graphql import parse

from gql_app.execution.bounded import Bounded
from gql_app.execution.memory import DOCUMENT_ROOM, DOCUMENTS, Documents, Known


def test_by_number() -> None:
    kept: Bounded[int, int] = Bounded(3)
    for n in range(5):
        kept.add(n, n)
    kept.add(4, 40)  # again: no other makes room for it
    assert kept == {2: 2, 3: 3, 4: 40}


def test_by_weight() -> None:
    kept: Bounded[int, str] = Bounded(100, room=10)
    for n in range(4):
        kept.add(n, "", 4)
    assert list(kept) == [2, 3]
    kept.add(5, "", 11)
    assert list(kept) == [2, 3]  # what has no room at all drives nothing out
    kept.grow(3, 3)
    assert (list(kept), kept.weight) == ([3], 7)
    kept.add(3, "again", 1)
    assert kept.weight == 1


def test_documents_are_kept_by_what_they_take() -> None:
    """The thinnest documents take most: a word of two signs is a node of hundreds of bytes."""
    room = DOCUMENT_ROOM // 6
    documents = Documents(DOCUMENTS, room)
    for n in range(8):
        document = parse(f"{{ viewer {{ {'id ' * 1_900} role }} }} # {n}", max_tokens=2_000)
        documents.remember(Known(document, f"document {n}"))
    assert documents.weight <= room
    assert 0 < len(documents) < 4
    assert len(documents._by_operation) == len(documents)

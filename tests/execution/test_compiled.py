"""Compiled execution answers exactly what graphql-core's own way does: generated documents."""

from collections import Counter
from random import Random

from graphql import DocumentNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from tests.execution.documents import SCALARS, TYPES, Words, Writer
from tests.execution.ways import ROLES, Ways, cancels
from tests.support.examples import examples

EXAMPLES = {"sqlite": examples(300), "postgres": examples(100)}

GENERATED = st.tuples(
    queries(TYPES, custom_scalars=SCALARS, print_ast=lambda document: document),
    st.integers(0, 2**32),
    st.sampled_from(ROLES),
    st.booleans(),
)


@cancels
def test_generated_documents_have_the_same_answer_both_ways(
    ways: Ways, kind: str, objects: Counter[str]
) -> None:
    words = ways.run(Words.of(ways.office))
    seen: Counter[str] = Counter()
    fallen_back: list[int] = []

    @settings(
        max_examples=EXAMPLES[kind],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(GENERATED)
    def check(example: tuple[DocumentNode, int, str, bool]) -> None:
        generated, seed, role, yes = example
        document = Writer(words, Random(seed)).document(generated)
        before = objects["compiled"]
        results = [ways.same(document, role, yes=yes, no=not yes)]
        if "$" in document:  # what was remembered for the first must not be used for the second
            results.append(ways.same(document, role, yes=not yes, no=yes))
        seen.update("refused" if result["data"] is None else "answered" for result in results)
        seen["with errors"] += any(result["errors"] for result in results)
        fallen_back.append(objects["compiled"] - before)

    check()
    assert seen["answered"] > seen["refused"]
    assert seen["with errors"] > EXAMPLES[kind] / 50
    assert objects["plain"] > 3 * EXAMPLES[kind]
    # More than half of the documents need no fallback. One in fifty may have a list that makes up
    # for all others, as chance has it, so the objects are counted without these.
    assert fallen_back.count(0) > EXAMPLES[kind] / 2
    usual = sorted(fallen_back)[: -EXAMPLES[kind] // 50]
    assert sum(usual) < 0.3 * objects["plain"]

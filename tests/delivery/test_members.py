"""A member's life: the table of its steps is kept to, and drawn as it is."""

import re
from itertools import product
from pathlib import Path

import pytest

from gql_app.delivery import members
from gql_app.delivery.members import STEPS, Life, Member
from models.chain import Position
from tests.delivery.source import SOMEBODY

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def drawing() -> str:
    """The table as a state diagram (Mermaid)."""
    steps = [
        f"    {life.name} --> {following.name}: {why}"
        for life, ways in STEPS.items()
        for following, why in ways.items()
    ]
    lines = ["stateDiagram-v2", "    [*] --> BEGINNING", *steps, "    GONE --> [*]"]
    return "\n".join(["```mermaid", *lines, "```"])


@pytest.mark.parametrize(("life", "following"), list(product(Life, Life)))
def test_a_member_takes_the_steps_of_the_table_and_no_other(life: Life, following: Life) -> None:
    member = Member(Position(0), SOMEBODY, life=life)
    if following in STEPS[life]:
        member.enter(following)
        assert member.life is following
    else:
        with pytest.raises(RuntimeError, match=f"{life} cannot be {following}"):
            member.enter(following)
        assert member.life is life


def test_every_life_ends_and_can_be_reached() -> None:
    assert STEPS.keys() == set(Life)
    assert all(Life.GONE in ways for life, ways in STEPS.items() if life is not Life.GONE)
    assert {following for ways in STEPS.values() for following in ways} == set(Life)


def test_the_page_draws_the_table() -> None:
    section = PAGE.read_text().partition("## A member's life")[2]
    found = re.search(r"```mermaid\n.*?```", section, re.DOTALL)
    assert found is not None
    assert found[0] == drawing()


def test_the_module_begins_with_the_same_steps() -> None:
    found = re.findall(
        r"^    (\w[\w ]*?) -+> (\w[\w ]*?)  +(.+)$", members.__doc__ or "", re.MULTILINE
    )
    told = {(life, following): why for life, following, why in found}
    for life, ways in STEPS.items():
        for following, why in ways.items():
            key = ("any", following) if following is Life.GONE else (life, following)
            assert told[key] == why
    ends = {(life, way) for life, ways in STEPS.items() for way in ways if way is not Life.GONE}
    assert told.keys() == ends | {("any", Life.GONE)}
